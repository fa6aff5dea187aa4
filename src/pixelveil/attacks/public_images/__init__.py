"""Attacks with public images of the same kind: what natural images have in common tells which way they were mixed."""
