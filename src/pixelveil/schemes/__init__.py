"""Schemes: one published scheme per file, as a list of steps; the catalogue."""

from pixelveil.schemes.catalogue import SCHEMES, create_scheme, list_schemes
from pixelveil.schemes.encrypted import Encrypted
from pixelveil.schemes.scheme import KeyPolicy, Scheme

__all__ = ["SCHEMES", "Encrypted", "KeyPolicy", "Scheme", "create_scheme", "list_schemes"]
