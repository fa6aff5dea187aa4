"""Attacks on ciphertexts alone: nothing else is known, and often one image under a key of its own is enough."""
