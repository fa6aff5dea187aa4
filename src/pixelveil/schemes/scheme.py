"""`Scheme`: a short list of steps, a key policy and a citation; everything else follows from the plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import Epoch, Key, KeyMaterial
from pixelveil.plans import Plan
from pixelveil.plans.forward import chain
from pixelveil.schemes.asset import Asset, AssetKind
from pixelveil.schemes.encrypted import Encrypted
from pixelveil.schemes.layout import Planes, laid_out_shape
from pixelveil.steps import ImageShape, Step, shape_after

__all__ = ["Family", "KeyPolicy", "Permitted", "Scheme"]

KeyPolicy = Literal["shared", "derived", "ephemeral", "none"]
KEY_POLICIES: tuple[KeyPolicy, ...] = ("shared", "derived", "ephemeral")

Family = Literal["pixel", "block", "vit", "filtered", "matrix", "learned", "mixing", "decrepit", "baseline"]

Permitted = Literal["flip", "shift", "block shift", "cut", "mix"]

_MOVED_VALUES = "values are moved or inverted one by one, and JPEG destroys what does not look like a picture"

# Shared plans kept in memory per epoch: folders of odd sizes must not fill it.
_PLANS_KEPT = 16

# Images are padded to whole blocks; a block larger than any patch of a model would only fill the memory.
_LARGEST_BLOCK = 1024


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """Base of all schemes: a subclass is a frozen dataclass of parameters with declared facts and ``steps()``.

    Args:
        key_policy: "shared" (one plan for all images of a key's epoch), "derived" (one plan per image, from a random
            public nonce; the owner can decrypt), "ephemeral" (one plan per image, its key thrown away at once) or
            "none" (there is no key: whatever is random is thrown away).
        asset: Digest of the asset that the scheme works with, or empty.

    Raises:
        UsageError: A parameter that the scheme does not take.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]
    family: ClassVar[Family]
    policies: ClassVar[tuple[KeyPolicy, ...]] = KEY_POLICIES
    """The key policies that it can have."""
    output_dtype: ClassVar[Literal["uint8", "float32"]] = "uint8"
    reversible: ClassVar[bool] = True
    planes: ClassVar[Planes] = "interleaved"
    jpeg_obstacle: ClassVar[str] = _MOVED_VALUES
    """Why JPEG output is refused; empty where encrypted images survive JPEG as plain ones do."""
    augmentations: ClassVar[tuple[Permitted, ...]] = ()
    """What may be done to encrypted images for training: "flip" (left and right), "shift" (whole pixels), "block shift"
    (whole blocks), "cut" (a box of another image) and, under a shared key, "mix" (weighted sums of two)."""
    protects: ClassVar[str] = ""
    """Against whom, in one sentence."""
    exposes: ClassVar[str] = ""
    """What it does not hide, in one sentence."""
    readable_from: ClassVar[int | None] = None
    """Images under one shared plan from which a known attack without key reads them; None where none is known."""
    known_attacks: ClassVar[tuple[str, ...]] = ()
    asset_kinds: ClassVar[tuple[AssetKind, ...]] = ()
    """The kinds of asset that it takes."""
    needs_asset: ClassVar[bool] = False
    switches: ClassVar[tuple[str, ...]] = ()
    """The integer parameters that have a meaning when they are 0."""

    key_policy: KeyPolicy = "shared"
    asset: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.key_policy not in self.policies:
            raise UsageError(f"key_policy must be one of {', '.join(self.policies)}, not {self.key_policy!r}")
        if self.block > _LARGEST_BLOCK:
            raise UsageError(f"{self.name}: block_size must be at most {_LARGEST_BLOCK}, not {self.block}")
        if self.asset and not self.asset_kinds:
            raise UsageError(f"{self.name} takes no asset")

    def steps(self) -> tuple[Step, ...]:
        """Return the steps, in the order in which they are applied to a plain image."""
        raise NotImplementedError  # every scheme of the catalogue defines it; tests/schemes proves that

    def steps_for(self, shape: ImageShape) -> tuple[Step, ...]:
        """Return the steps for images of one shape; most schemes have the same for all.

        Args:
            shape: (H, W, C) of the laid-out images.
        """
        return self.steps()

    @property
    def block(self) -> int:
        """Side in pixels that height and width must be multiples of; images are padded to it."""
        return int(getattr(self, "block_size", 1))

    @property
    def sizes(self) -> str:
        """What is done to images of any size."""
        if self.block == 1:
            return "any size, which stays as it is"
        return f"any size; the last row and column are repeated up to multiples of {self.block}, decryption crops"

    @property
    def randomized(self) -> bool:
        """Whether there is fresh randomness beyond the plan: two encryptions differ even under a shared key."""
        return False

    @property
    def legacy(self) -> bool:
        """Whether another program's material stands in place of a key. It is no key."""
        return self.bound is not None and self.bound.kind == "legacy"

    @property
    def bound(self) -> Asset | None:
        """The asset that the scheme works with, where it has been given; a manifest only names it."""
        asset: Asset | None = self.__dict__.get("_bound")
        return asset

    def bind(self, asset: Asset) -> Self:
        """Return the scheme with its asset.

        Args:
            asset: Made for this scheme; of the digest that ``asset`` names.

        Raises:
            UsageError: It is for another scheme, or another one than the scheme names.
        """
        if asset.scheme != self.name or asset.kind not in self.asset_kinds:
            raise UsageError(f"{self.name} cannot use a {asset.kind} asset of {asset.scheme}")
        if self.asset and self.asset != asset.digest:
            raise UsageError(f"{self.name} here works with asset {self.asset[:16]}, not {asset.digest[:16]}")
        bound = replace(self, asset=asset.digest)
        bound.__dict__["_bound"] = asset
        return bound

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """The arrays of the asset.

        Raises:
            UsageError: It has not been given.
        """
        if self.bound is None:
            named = f" {self.asset[:16]}" if self.asset else ""
            raise UsageError(
                f"{self.name} needs its asset{named}",
                hint="give its file: --asset FILE; pixelveil schemes fit makes one",
            )
        return self.bound.arrays

    @classmethod
    def fit(cls, images: NDArray[Any], *, settings: Mapping[str, Any]) -> Asset:
        """Make the scheme's asset from images: a basis, a pool of donors.

        Args:
            images: uint8 (n, H, W, C), of one size. Private where those to be encrypted are.
            settings: All parameters of the scheme by name, as `parameters` has them.

        Returns:
            The asset, to be saved and given to `create_scheme`.

        Raises:
            UsageError: The scheme needs none, or the images do not fit.
        """
        raise UsageError(f"{cls.name} needs no asset", hint="encrypt without one")

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name, as JSON values; the asset only where there is one."""
        return {name: value for name, value in asdict(self).items() if name != "asset" or value}

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
        shape, bits = self.laid_out_shape(shape), 0.0
        for step in self.steps_for(shape):
            bits += step.key_bits(shape=shape)
            shape = shape_after(step, shape)
        return bits

    def laid_out_shape(self, shape: ImageShape) -> ImageShape:
        """Return (H, W, C) that the plan is made for: images padded to blocks, planes laid out."""
        return laid_out_shape(shape, block=self.block, planes=self.planes)

    def encrypted_shape(self, shape: ImageShape) -> ImageShape:
        """Return (H, W, C) of encrypted images.

        Height and width are rounded up to multiples of the block, unless a step or the layout changes them altogether.
        """
        shape = self.laid_out_shape(shape)
        for step in self.steps_for(shape):
            shape = shape_after(step, shape)
        return shape

    def plan(
        self, *, key: Key | Epoch, shape: ImageShape, nonces: NDArray[np.uint8] | None = None, client: str = ""
    ) -> Plan:
        """Return what a key does to images of one shape.

        Args:
            key: A key (its active epoch counts) or an epoch.
            shape: (H, W, C) of the images, padded to blocks and laid out (`laid_out_shape`).
            nonces: uint8 (n, 16), one per image, where the key policy is "derived"; else None.
            client: Name of the client, or empty; every client's plans differ.

        Returns:
            One plan for all images, or a batch of one per nonce.

        Raises:
            UsageError: Nonces are missing or too many, or the key policy keeps no key.
        """
        epoch = key.active if isinstance(key, Key) else key
        if self.key_policy in ("ephemeral", "none"):
            raise UsageError(f"the key policy {self.key_policy!r} keeps no key; there is no plan to ask for")
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
        """Return the steps' plans, composed; each step reads streams labeled with its number, name and the shape.

        Legacy material replaces what the key stream would decide.
        """
        if self.asset:
            _ = self.arrays  # an asset that is only named must not be ignored
        if self.legacy:
            return self.legacy_plan(shape=shape)
        plans, size, role_shape = [], shape, "x".join(map(str, shape))
        for number, step in enumerate(self.steps_for(shape)):
            plans.append(step.plan(material=material, role=f"{number}/{step.name}/{role_shape}", shape=size))
            size = shape_after(step, size)
        return chain(plans)

    def legacy_plan(self, *, shape: ImageShape) -> Plan:
        """Return the plan that the legacy material in the scheme's asset stands for.

        Args:
            shape: (H, W, C) of the laid-out images.

        Raises:
            UsageError: The scheme takes none, or it does not fit.
        """
        from pixelveil.schemes.legacy import legacy_plan

        return legacy_plan(self, shape=shape)

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
