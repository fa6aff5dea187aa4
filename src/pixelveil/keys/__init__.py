"""Root secrets, epochs and budgets, key files, sub-keys, the key stream."""

from pixelveil.keys.epoch import DEFAULT_BUDGET, Epoch, EpochRecord
from pixelveil.keys.key import Key
from pixelveil.keys.material import KeyMaterial, fresh_nonces
from pixelveil.keys.store import read_header
from pixelveil.keys.stream import KeyStream

__all__ = ["DEFAULT_BUDGET", "Epoch", "EpochRecord", "Key", "KeyMaterial", "KeyStream", "fresh_nonces", "read_header"]
