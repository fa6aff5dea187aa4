"""`Scheme`: a short list of steps, a key policy and a citation; everything else follows from the plan."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property, reduce
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import Epoch, Key, KeyMaterial
from pixelveil.plans import Plan
from pixelveil.schemes.encrypted import Encrypted
from pixelveil.steps import ImageShape, Step

__all__ = ["KeyPolicy", "Scheme"]

KeyPolicy = Literal["shared", "derived", "ephemeral"]
KEY_POLICIES: tuple[KeyPolicy, ...] = ("shared", "derived", "ephemeral")

# Shared plans kept in memory per epoch: folders of odd sizes must not fill it.
_PLANS_KEPT = 16

# Images are padded to whole blocks; a block larger than any patch of a model would only fill the memory.
_LARGEST_BLOCK = 1024


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """Base of all schemes: a subclass is a frozen dataclass of parameters with declared facts and ``steps()``.

    Args:
        key_policy: "shared" (one plan for all images of a key's epoch), "derived" (one plan per image, from a random
            public nonce; the owner can decrypt) or "ephemeral" (one plan per image, its key thrown away at once).

    Raises:
        UsageError: A parameter that the scheme does not take.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]
    output_dtype: ClassVar[Literal["uint8", "float32"]] = "uint8"
    reversible: ClassVar[bool] = True
    readable_from: ClassVar[int | None] = None
    """Images under one shared plan from which a known attack without key reads them; None where none is known."""
    known_attacks: ClassVar[tuple[str, ...]] = ()

    key_policy: KeyPolicy = "shared"

    def __post_init__(self) -> None:
        if self.key_policy not in KEY_POLICIES:
            raise UsageError(f"key_policy must be one of {', '.join(KEY_POLICIES)}, not {self.key_policy!r}")
        if self.block > _LARGEST_BLOCK:
            raise UsageError(f"{self.name}: block_size must be at most {_LARGEST_BLOCK}, not {self.block}")

    def steps(self) -> tuple[Step, ...]:
        """Return the steps, in the order in which they are applied to a plain image."""
        raise NotImplementedError  # every scheme of the catalogue defines it; tests/schemes proves that

    @property
    def block(self) -> int:
        """Side in pixels that height and width must be multiples of; images are padded to it."""
        return int(getattr(self, "block_size", 1))

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name, as JSON values."""
        return asdict(self)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of name and parameters in canonical JSON, hex: two schemes agree in all iff their digests do."""
        content = {"format": 1, "name": self.name, "parameters": self.parameters}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def key_bits(self, shape: ImageShape) -> float:
        """Return the nominal key space in bits, the sum over the steps: never the security level.

        Args:
            shape: (H, W, C) of the plain images.
        """
        padded = self.encrypted_shape(shape)
        return sum(step.key_bits(shape=padded) for step in self.steps())

    def encrypted_shape(self, shape: ImageShape) -> ImageShape:
        """Return (H, W, C) of encrypted images: height and width rounded up to multiples of the block."""
        height, width, channels = shape
        return -(-height // self.block) * self.block, -(-width // self.block) * self.block, channels

    def plan(
        self, *, key: Key | Epoch, shape: ImageShape, nonces: NDArray[np.uint8] | None = None, client: str = ""
    ) -> Plan:
        """Return what a key does to images of one shape.

        Args:
            key: A key (its active epoch counts) or an epoch.
            shape: (H, W, C) of the images, padded to blocks.
            nonces: uint8 (n, 16), one per image, where the key policy is "derived"; else None.
            client: Name of the client, or empty; every client's plans differ.

        Returns:
            One plan for all images, or a batch of one per nonce.

        Raises:
            UsageError: Nonces are missing or too many, or the key policy keeps no key.
        """
        epoch = key.active if isinstance(key, Key) else key
        if self.key_policy == "ephemeral":
            raise UsageError("the key policy 'ephemeral' throws every key away; there is no plan to ask for")
        if (nonces is None) != (self.key_policy == "shared"):
            wanted = "takes no nonces" if nonces is not None else "needs nonces, one for each image"
            raise UsageError(f"the key policy {self.key_policy!r} {wanted}")
        if nonces is not None:
            material = KeyMaterial.derived(epoch, scheme=self.digest, nonces=nonces, client=client)
            return self.plan_from(material, shape=shape)
        label = (self.digest, shape, client)
        plan: Plan | None = epoch.plan_cache.get(label)
        if plan is None:
            material = KeyMaterial.shared(epoch, scheme=self.digest, client=client)
            plan = self.plan_from(material, shape=shape)
            if len(epoch.plan_cache) >= _PLANS_KEPT:
                epoch.plan_cache.clear()
            epoch.plan_cache[label] = plan
        return plan

    def plan_from(self, material: KeyMaterial, *, shape: ImageShape) -> Plan:
        """Return the steps' plans, composed; each step reads streams labeled with its number, name and the shape."""
        size = "x".join(map(str, shape))
        plans = [
            step.plan(material=material, role=f"{number}/{step.name}/{size}", shape=shape)
            for number, step in enumerate(self.steps())
        ]
        return reduce(lambda first, second: first.compose(second), plans)

    def encrypt(
        self, images: Any, *, key: Key | None = None, nonces: NDArray[np.uint8] | None = None, client: str = ""
    ) -> Encrypted:
        """Encrypt images; they are counted against the key's budget first.

        Args:
            images: A PIL image (gray stays gray, all else becomes RGB); a NumPy array (H, W, C) or (N, H, W, C); a
                torch tensor (C, H, W) or (N, C, H, W); uint8, or float in [0, 1].
            key: The key; None only where the key policy is "ephemeral".
            nonces: uint8 (N, 16) to use where the key policy is "derived"; None: fresh random ones. Never use one
                twice.
            client: Name of the client, or empty.

        Returns:
            The encrypted images, of the same kind, with what decryption needs.

        Raises:
            UsageError: No key, or images that do not fit.
            BudgetError: The key may encrypt no more images.
        """
        from pixelveil.schemes.encryption import encrypt_images

        return encrypt_images(self, images, key=key, nonces=nonces, client=client)

    def decrypt(self, encrypted: Encrypted, *, key: Key | Epoch) -> Any:
        """Decrypt what `encrypt` returned.

        Args:
            encrypted: With its images and public facts.
            key: The key that made it, whatever epoch is active now.

        Returns:
            The plain images, of the same kind; integer images exactly, floats to rounding.

        Raises:
            IntegrityError: Another key or scheme made it.
            UsageError: The scheme cannot be undone or the keys were thrown away.
        """
        from pixelveil.schemes.encryption import decrypt_images

        return decrypt_images(self, encrypted, key=key)
