"""XOR with a key stream: what cryptography does; the baseline, from which no network learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pixelveil.schemes.scheme import Family, KeyPolicy, Scheme
from pixelveil.steps import Step
from pixelveil.steps import XorStream as XorStreamStep

__all__ = ["XorStream"]


@dataclass(frozen=True, kw_only=True)
class XorStream(Scheme):
    """XOR every value with its byte of an AES-256-CTR key stream; any image size.

    1. Draw a key stream as long as the image, never the same twice.
    2. ``y[i] = x[i] XOR k[i]``.

    The classical baseline, and the negative control of every experiment: what it gives is noise, from which no attack
    reads anything and no network learns anything. A shared key would use one key stream for two images, whose XOR is
    then that of the plain images; so each image has its own. Source: NIST SP 800-38A (2001), section 6.5.

    Args:
        key_policy: "derived" (the owner can decrypt) or "ephemeral" (nobody can).

    >>> XorStream().key_bits((32, 32, 3))
    256.0
    """

    name: ClassVar[str] = "xor-stream"
    title: ClassVar[str] = "XOR with an AES-256-CTR key stream: the classical baseline, noise to every network"
    citation: ClassVar[str] = "NIST SP 800-38A (2001), section 6.5, doi 10.6028/NIST.SP.800-38A"
    family: ClassVar[Family] = "baseline"
    policies: ClassVar[tuple[KeyPolicy, ...]] = ("derived", "ephemeral")
    jpeg_obstacle: ClassVar[str] = "encrypted images are noise, and JPEG changes bits that decryption needs"
    protects: ClassVar[str] = "All values of an image, from everybody without the key."
    exposes: ClassVar[str] = (
        "The size of an image; and it is not authenticated: a bit changed here is the same bit changed there."
    )
    known_attacks: ClassVar[tuple[str, ...]] = (
        "None that reads an image is known: that would break AES-256 or the nonces.",
        "Without a tag over the ciphertext anybody can flip bits of the plain image; the digests of an encrypted "
        "folder find that.",
    )

    key_policy: KeyPolicy = "derived"

    def steps(self) -> tuple[Step, ...]:
        """Return the one step."""
        return (XorStreamStep(),)
