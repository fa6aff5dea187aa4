"""Schemes that were broken in public, for comparison only: one per file, like all others, but none to be used."""

from pixelveil.schemes.decrepit.instahide import InstaHide, mix
from pixelveil.schemes.decrepit.neuracrypt import NeuraCrypt

__all__ = ["InstaHide", "NeuraCrypt", "mix"]
