"""Inverse transformation network: an attacker who knows the algorithm makes pairs without end, under own keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Reconstruction
from pixelveil.attacks.ciphertexts.leading_bit import FoldedReading, fold, folded_readings
from pixelveil.attacks.ciphertexts.single_pixels import channels_shuffled, filtered_after, leaves_pixels
from pixelveil.attacks.learned.fitting import Player, Schedule, fit, held_out, reproducible
from pixelveil.attacks.learned.networks import block_network, order_statistics, structural_loss, u_net
from pixelveil.attacks.learned.own_keys import encrypt_own, own_scheme, pieces
from pixelveil.attacks.learned.tensors import Scale, scale_of, to_images, to_tensor
from pixelveil.attacks.pairs.regression import Linear, ridge
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

__all__ = ["InverseNetwork", "Start", "nearest_reading", "read", "start_of"]

# Steps that one batch is used for where a key takes long to expand: matrices of floats are factorized.
_USES = 16
# Pixels, and images at least and at most, of a batch, of what is held out, and of what the start is chosen by.
_BATCH = (1 << 14, 2, 64)
_HELD = (1 << 17, 4, 64)
_FOR_START = (1 << 18, 8, 256)
# Own keys for so many images, and for a batch: what one key does must not be learned. Few where they are costly.
_KEYS = {"uint8": 32, "float32": 4}
_KEYS_OF_BATCH = {"uint8": 4, "float32": 1}
# Images that are read at a time.
_AT_ONCE = 64
# Of the regression from sorted values of a block to its pixels, relative to their mean energy.
_STRENGTH = 1e-4


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """What arithmetic makes of ciphertexts before anything is learned.

    Args:
        scheme: What is attacked.
        shape: (H, W, C) of plain images; H and W may be those of crops.
        scale: Of ciphertexts.
        picture: (1, C, H, W): the mean of the attacker's images, what one knows without any ciphertext.
        folds: Whether single pixels stay in place, so that the leading-bit picture is where to start.
        base: What is corrected: "folded" values, "values" as they are, the mean "picture", or "blocks": its blocks
            corrected by a linear map of their sorted values.
        line: That map.
    """

    scheme: Scheme
    shape: tuple[int, int, int]
    scale: Scale
    picture: Tensor
    folds: bool
    base: str
    line: Linear | None = None

    @property
    def features(self) -> int:
        """Channels that `__call__` gives the network."""
        channels = self.scheme.encrypted_shape(self.shape)[2]
        channels = self.shape[2] if self._in_place else channels
        both = not self.folds or filtered_after(self.scheme)
        return channels * 2 if both else channels

    @property
    def _in_place(self) -> bool:
        return self.scheme.encrypted_shape(self.shape) == self.scheme.laid_out_shape(self.shape)

    def __call__(self, encrypted: Images) -> tuple[Tensor, Tensor]:
        """Return what the network sees, (n, features, H, W), and what it corrects, (n, C, H, W).

        Where single values are inverted and nothing else, folded ones say all that there is: inverted or not, a value
        is the key's noise. After a filter, and in all other schemes, values are seen too.
        """
        import torch

        if self._in_place:
            encrypted = lay_back(encrypted, shape=self.shape, planes=self.scheme.planes)
        values = to_tensor(encrypted, scale=self.scale)
        if self.folds:
            ordered: Images = fold(encrypted)
            if channels_shuffled(self.scheme):
                ordered = FoldedReading(channels="sorted")(ordered)
            folded = to_tensor(ordered)
            centered = 2 * folded + 1
            return (torch.cat([values, centered], dim=1) if filtered_after(self.scheme) else centered), folded
        if not self._in_place:
            values = torch.nn.functional.interpolate(values, size=self.shape[:2], mode="nearest")
        base = values if self.base == "values" else self.picture.expand(len(values), -1, -1, -1)
        if self.line is not None:
            base = base + self._of_blocks(values, self.line)
        return torch.cat([values, values.abs()], dim=1), base

    def _of_blocks(self, values: Tensor, line: Linear) -> Tensor:
        import torch

        block, (height, width, channels) = self.scheme.block, self.shape
        rows, (count, tall, wide) = block_rows(values, block=block)
        given = torch.from_numpy(line(rows.double().numpy()).astype(np.float32))
        cells = given.reshape(count, tall, wide, channels * block**2).permute(0, 3, 1, 2)
        return torch.nn.functional.pixel_shuffle(cells, block)[:, :, :height, :width]


def whole_blocks(images: Tensor, *, block: int) -> Tensor:
    """Return images (n, C, H, W) continued by their last values to multiples of a block."""
    import torch

    height, width = images.shape[2:]
    return torch.nn.functional.pad(images, (0, -width % block, 0, -height % block), mode="replicate")


def block_rows(images: Tensor, *, block: int) -> tuple[Tensor, tuple[int, int, int]]:
    """Return the sorted values of all blocks, one row for each, with the numbers of images and of blocks either way.

    Args:
        images: (n, C, H, W).
        block: Side of a block.
    """
    sorted_values = order_statistics(whole_blocks(images, block=block), block=block)
    count, ranks, tall, wide = sorted_values.shape
    return sorted_values.permute(0, 2, 3, 1).reshape(-1, ranks), (count, tall, wide)


def with_blocks(start: Start, *, plain: Images, encrypted: Images) -> Start:
    """Return a start that reads each block by least squares from its sorted values, around the mean picture.

    Args:
        start: Of a scheme with blocks.
        plain: uint8 (n, H, W, C), the attacker's own.
        encrypted: (n, H', W', C'), under own keys.
    """
    import torch

    values = start(encrypted)[0][:, : start.features // 2]
    missing = whole_blocks(to_tensor(plain) - start.picture, block=start.scheme.block)
    cells = torch.nn.functional.pixel_unshuffle(missing, start.scheme.block).permute(0, 2, 3, 1)
    rows, _ = block_rows(values, block=start.scheme.block)
    targets = cells.reshape(len(rows), -1).double().numpy()
    return replace(start, base="blocks", line=ridge(rows.double().numpy(), targets, strength=_STRENGTH))


def start_of(scheme: Scheme, *, plain: Images, encrypted: Images) -> Start:
    """Return where to start from: for single pixels the leading-bit picture, else what is nearest on own pairs.

    Args:
        scheme: What is attacked.
        plain: uint8 (n, H, W, C), the attacker's own.
        encrypted: (n, H', W', C'), under own keys.
    """
    wanted = to_tensor(plain)
    start = Start(
        scheme=scheme,
        shape=plain.shape[1:],
        scale=scale_of(encrypted),
        picture=wanted.mean(dim=0, keepdim=True),
        folds=not leaves_pixels(scheme),
        base="picture",
    )
    if start.folds:
        return replace(start, base="folded")
    starts = [start]
    if scheme.output_dtype == "uint8":
        starts.append(replace(start, base="values"))
    if scheme.block > 1:
        starts.append(with_blocks(start, plain=plain, encrypted=encrypted))
    return min(starts, key=lambda one: float((one(encrypted)[1] - wanted).abs().mean()))


def read(network: nn.Module, *, seen: Tensor, base: Tensor) -> Tensor:
    """Return ``b + M b + r``, M and r what the network gives for each pixel; without M where it gives r only.

    Args:
        network: Gives (n, C * C + C, H, W) or (n, C, H, W).
        seen: (n, features, H, W).
        base: b, (n, C, H, W).
    """
    count, channels, height, width = base.shape
    given: Tensor = network(seen)
    if given.shape[1] == channels:
        return base + given
    mixing = given[:, channels:].reshape(count, channels, channels, height, width)
    return base + (mixing * base[:, None]).sum(dim=2) + given[:, :channels]


def nearest_reading(found: Tensor, wanted: Tensor) -> Tensor:
    """Return the wanted images, each inverted where the found one is nearer to its negative.

    Folded values do not tell an image from its negative; a network that had to would learn to paint all gray.
    """
    import torch

    with torch.no_grad():
        straight, inverted = ((found - one).abs().mean(dim=(1, 2, 3)) for one in (wanted, -wanted))
        sign = torch.where(straight <= inverted, 1.0, -1.0)
    return wanted * sign[:, None, None, None]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Course:
    """Public images as batches under own keys, and the loss of a network on them."""

    network: nn.Module
    start: Start
    scheme: Scheme
    images: Images
    structure: float
    batch: int

    def loss_of(self, plain: Images, encrypted: Images) -> Tensor:
        seen, base = self.start(encrypted)
        found, wanted = read(self.network, seen=seen, base=base), to_tensor(plain)
        if self.start.folds:
            wanted = nearest_reading(found, wanted)
        return structural_loss(found, wanted, weight=self.structure)

    def player(self, *, rate: float) -> Player:
        uses = _USES if self.scheme.output_dtype == "float32" else 1
        state: dict[str, Any] = {"uses": 0, "pair": None}

        def loss(generator: torch.Generator) -> Tensor:
            if not state["uses"]:
                state.update(uses=uses, pair=self._drawn(generator))
            state["uses"] -= 1
            return self.loss_of(*state["pair"])

        return Player(model=self.network, loss=loss, rate=rate)

    def _drawn(self, generator: torch.Generator) -> tuple[Images, Images]:
        import torch

        chosen = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))
        plain = self.images[chosen.integers(len(self.images), size=self.batch)]
        turned = chosen.integers(2, size=self.batch)[:, None, None, None]
        plain = np.where(turned, plain[:, :, ::-1], plain)
        keys = _KEYS_OF_BATCH[self.scheme.output_dtype]
        return plain, encrypt_own(self.scheme, plain, generator=chosen, keys=keys)


@dataclass(frozen=True, kw_only=True)
class InverseNetwork(Attack):
    """Train ciphertext to plain image on own images under own keys, then read others' ciphertexts.

    The algorithm is public: each batch of public images is encrypted under a key that is made for it, and a network
    learns ``x = b + M b + r`` by ``|x' - x| + w (1 - SSIM)``, where b is what arithmetic gives already. Where pixels
    stay in place, b is the leading-bit picture, a U-Net gives M and r for each pixel, and an image and its negative are
    two readings that nothing tells apart. Of block schemes, sorted values of each block are seen too, which no order
    hides. M and r begin as 0 and the weights that are best on held-out images are kept: it starts as the attack without
    a network and only improves. It needs no key that images share; global scrambling of blocks it does not undo.

    Args:
        width: Channels of the network at its first level.
        rate: Highest learning rate.
        structure: Weight of the structural part of the loss, w.
        steps: At most; the budget is nearly always spent before.

    Source: Ito, Kinoshita and Kiya, arXiv 2008.03143; evaluated by Sirichotedumrong and Kiya, arXiv 2010.06198.
    """

    name: ClassVar[str] = "inverse-network"
    title: ClassVar[str] = "Inverse transformation network (ITN), trained under the attacker's own keys"
    citation: ClassVar[str] = "Ito, Kinoshita and Kiya, arXiv 2008.03143 (2020)"
    access: ClassVar[Access] = "public images"
    cost: ClassVar[str] = "the time it is given, whatever the number of images; ten steps a second at 32 x 32"

    width: int = 32
    rate: float = 3e-3
    structure: float = 1.0
    steps: int = 20_000

    def obstacle(self, scheme: Scheme) -> str:
        """Return why own keys tell nothing about a scheme; empty where they do."""
        if scheme.needs_asset and "weights" in scheme.asset_kinds:
            return "its secret is a trained network, and an attacker's own training gives another one"
        if scheme.name == "neuracrypt":
            return "each of its keys is a random network of its own, of which other keys tell nothing"
        return ""

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`."""
        self.check(evidence)
        if evidence.public is None:
            raise UsageError("there are no public images")
        budget, generator, keys = budget or Budget(), evidence.generator, _KEYS[evidence.scheme.output_dtype]
        known = evidence.public if leaves_pixels(evidence.scheme) else pieces(evidence.public, generator=generator)
        train, held = held_out(len(known))
        scheme, size = own_scheme(evidence.scheme, public=known[train]), known.shape[1:]
        some = known[generator.permutation(train)[: _images(size, _FOR_START)]]
        encrypted = encrypt_own(scheme, some, generator=generator, keys=keys)
        start = start_of(evidence.scheme, plain=some, encrypted=encrypted)
        plain = known[held[: _images(size, _HELD)]]
        encrypted = encrypt_own(scheme, plain, generator=generator, keys=keys)
        with reproducible(evidence.seed):
            network = self._network(start)
        course = _Course(
            network=network,
            start=start,
            scheme=scheme,
            images=known[train],
            structure=self.structure,
            batch=_images(size, _BATCH),
        )
        found = fit(
            [course.player(rate=self.rate)],
            schedule=Schedule(steps=self.steps),
            seed=evidence.seed,
            budget=budget,
            judge=lambda: course.loss_of(plain, encrypted).item(),
            advance=advance,
        )
        return Reconstruction(
            images=_read_all(network, replace(start, shape=evidence.shape), evidence.ciphertexts[: evidence.victims]),
            versions=folded_readings(shuffled=channels_shuffled(evidence.scheme)) if start.folds else (),
            per_image=start.folds,
            facts={"starts from": start.base, "steps": found.steps, "loss before": found.first, "loss": found.best},
        )

    def _network(self, start: Start) -> nn.Module:
        channels, block = start.shape[2], start.scheme.block
        if block > 1:
            return block_network(start.features, channels, block=block, width=2 * self.width)
        return u_net(start.features, channels * (channels + 1) if start.folds else channels, width=self.width)


def _read_all(network: nn.Module, start: Start, encrypted: Images) -> Images:
    import torch

    parts = []
    with torch.no_grad():
        for first in range(0, len(encrypted), _AT_ONCE):
            seen, base = start(encrypted[first : first + _AT_ONCE])
            parts.append(to_images(read(network, seen=seen, base=base)))
    return np.concatenate(parts)


def _images(shape: tuple[int, ...], limits: tuple[int, int, int]) -> int:
    """Return how many images of a shape have so many pixels together, within limits."""
    pixels, fewest, most = limits
    return int(np.clip(pixels // (shape[0] * shape[1]), fewest, most))
