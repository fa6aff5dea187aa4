"""Learned attacks: networks that the attacker trains, from what arithmetic gives already."""
