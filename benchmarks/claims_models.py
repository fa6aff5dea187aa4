"""Requirements (a) to (d) of encrypted models, on a small Vision Transformer that reads digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims_rows import interval
from pixelveil import Key, create_scheme
from pixelveil.attacks import Budget
from pixelveil.attacks.controls import aes_noise
from pixelveil.attacks.evaluate import Scores, score
from pixelveil.attacks.intervals import of_mean
from pixelveil.attacks.stem.april import April
from pixelveil.attacks.stem.catalogue import MODEL_ATTACKS
from pixelveil.attacks.stem.evidence import ModelEvidence, base_tensors
from pixelveil.attacks.stem.gradient_inversion import gradients_of
from pixelveil.attacks.stem.requirements import access_table
from pixelveil.attacks.verdict import judge
from pixelveil.demo.samples import handwritten_digits

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Bases", "access", "gradients", "server", "small_bases"]

Row = dict[str, Any]
Bytes = NDArray[np.uint8]

SIDE, BLOCK = 32, 8
# As wide as a block has values: tokens tell all of it, as they do in a ViT-B with blocks of 16 x 16.
_WIDTH = BLOCK * BLOCK * 3
_SIGHT = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
_TRAINED = 1400
# The least that an attack must reach where only blocks changed places.
_REACHED = 0.9
_ONLY_BLOCKS = {"shuffle": False, "invert": False}


@dataclass(frozen=True, kw_only=True, eq=False)
class Bases:
    """Two plain models.

    Args:
        own: Trained; the one that is encrypted.
        other: Unrelated, with random weights.
        images: uint8 (n, H, W, 3), digits that neither was trained on.
        labels: int64 (n,).
    """

    own: nn.Module = field(repr=False)
    other: nn.Module = field(repr=False)
    images: Bytes = field(repr=False)
    labels: NDArray[np.int64] = field(repr=False)


def small_bases(*, steps: int = 500) -> Bases:
    """Return a small ViT trained on scikit-learn's digits for so many steps, and one that was not."""
    images, labels = handwritten_digits(size=SIDE)
    own, other = _vit(0), _vit(1)
    _train(own, images[:_TRAINED], labels[:_TRAINED], steps=steps)
    return Bases(own=own, other=other, images=images[_TRAINED:], labels=labels[_TRAINED:])


def access(bases: Bases) -> list[Row]:
    """Return accuracies with right, wrong, new and old keys: requirements (c) and (d)."""
    rows = []
    for name, parameters in (("vit-permutation", {}), ("vit-orthogonal", {}), ("vit-permutation", _ONLY_BLOCKS)):
        scheme = create_scheme(name, block_size=BLOCK, **parameters)
        found = asdict(access_table(bases.own, bases.images, bases.labels, scheme=scheme, **_SIGHT))
        wrong = float(np.mean(found.pop("wrong")))
        figures = {key: round(value, 4) for key, value in found.items()}
        rows.append({"scheme": name, "parameters": parameters, **figures, "wrong": round(wrong, 4)})
    return rows


def server(bases: Bases, plain: Bytes, public: Bytes) -> list[Row]:
    """Return what the server reads of clients' images when it has, or has not, the base: requirement (a)."""
    tensors = {name: base_tensors(getattr(bases, name), image_size=SIDE) for name in ("own", "other")}
    rows = []
    for scheme in ("vit-permutation", "vit-orthogonal"):
        for attack in ("plain-tokens", "stem-key"):
            positive = _read(attack, bases.own, tensors["own"], plain, public, scheme="vit-permutation", **_ONLY_BLOCKS)
            passed = positive[0].mean("ssim") >= _REACHED
            for base in ("own", "other"):
                found, floor = _read(attack, bases.own, tensors[base], plain, public, scheme=scheme)
                judged = judge(found, floor, positive_passed=passed)
                rows.append(
                    {
                        "attack": attack,
                        "access": "model",
                        "base": base,
                        "scheme": scheme,
                        "parameters": {"block_size": BLOCK},
                        "victims": len(plain),
                        **_figures(found, floor),
                        "verdict": judged.verdict,
                        "criterion": judged.criterion,
                        "positive": round(positive[0].mean("ssim"), 4),
                    }
                )
    return rows


def gradients(bases: Bases, plain: Bytes) -> list[Row]:
    """Return what gradients of training images give away without and with the base: requirement (b), in training."""
    import torch

    from pixelveil.models.outputs import normalize

    base, rows = base_tensors(bases.own, image_size=SIDE), []
    for scheme in ("vit-permutation", "vit-orthogonal"):
        evidence, encrypted, _ = _held(bases.own, plain, scheme=scheme)
        pixels = normalize(evidence.ciphertexts, like=encrypted.patch_embed.proj.weight, **_SIGHT)
        updates = [gradients_of(encrypted, one[None], torch.tensor([3])) for one in pixels]
        for known in (False, True):
            told = replace(evidence, updates=updates, base=base if known else None)
            found = score(April().run(told), plain)
            row = {"attack": "april", "access": "gradients", "base": "own" if known else "none", "scheme": scheme}
            rows.append({**row, "victims": len(plain), "ssim": interval(of_mean(found.measures["ssim"]))})
    return rows


def _figures(found: Scores, floor: Scores) -> Row:
    fields = {"ssim": "ssim", "edge_correlation": "edges"}
    row = {field: interval(of_mean(found.measures[name])) for field, name in fields.items()}
    return row | {f"{field}_control": interval(of_mean(floor.measures[name])) for field, name in fields.items()}


def _read(
    attack: str,
    model: nn.Module,
    base: Mapping[str, Any],
    plain: Bytes,
    public: Bytes,
    *,
    scheme: str,
    shuffle: bool | None = None,
    invert: bool | None = None,
) -> tuple[Scores, Scores]:
    """Return the scores of an attack on a model and of the same on noise."""
    switches = {"shuffle": shuffle, "invert": invert}
    parameters = {name: value for name, value in switches.items() if value is not None}
    evidence, _, key = _held(model, plain, scheme=scheme, parameters=parameters)
    evidence = replace(evidence, base=base, public=public)
    noise = evidence.scheme.encrypt(aes_noise(len(plain), (SIDE, SIDE, 3)), key=key).images
    with_noise = replace(evidence, ciphertexts=noise)
    made = MODEL_ATTACKS[attack]()
    both = [made.run(one, budget=Budget(seconds=60)) for one in (evidence, with_noise)]
    return score(both[0], plain), score(both[1], plain)


def _held(
    model: nn.Module, plain: Bytes, *, scheme: str, parameters: Mapping[str, Any] | None = None
) -> tuple[ModelEvidence, Any, Key]:
    """Encrypt a model and images; return the evidence, the encrypted model and the key."""
    from pixelveil.models import encrypt_model, extract_stem

    made, key = create_scheme(scheme, block_size=BLOCK, **(parameters or {})), Key.generate(budget=1 << 30)
    encrypted = encrypt_model(model, scheme=made, key=key, image_size=SIDE, check=False, **_SIGHT)
    ciphertexts = made.encrypt(plain, key=key).images
    evidence = ModelEvidence(scheme=made, stem=extract_stem(encrypted), ciphertexts=ciphertexts, victims=len(plain))
    return evidence, encrypted, key


def _vit(seed: int) -> Any:
    import torch
    from timm.models import VisionTransformer

    torch.manual_seed(seed)
    model = VisionTransformer(
        img_size=SIDE, patch_size=BLOCK, embed_dim=_WIDTH, depth=1, num_heads=4, num_classes=10
    ).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    return model


def _train(model: nn.Module, images: Bytes, labels: NDArray[np.int64], *, steps: int) -> None:
    import torch

    pixels, wanted = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1, torch.from_numpy(labels)
    stepper, generator = torch.optim.AdamW(model.parameters(), lr=1e-3), torch.Generator().manual_seed(0)
    model.train()
    for _ in range(steps):
        batch = torch.randint(len(images), (50,), generator=generator)
        stepper.zero_grad()
        torch.nn.functional.cross_entropy(model(pixels[batch]), wanted[batch]).backward()
        stepper.step()
    model.eval()
