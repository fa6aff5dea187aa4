"""The models of an audit: a plain one that is encrypted for the audit's key, and the public one that it comes from."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pixelveil.attacks.attack import Images
from pixelveil.attacks.controls import aes_noise
from pixelveil.attacks.stem.evidence import Client, ModelEvidence, base_tensors
from pixelveil.attacks.stem.gradient_inversion import gradients_of
from pixelveil.attacks.stem.model_attack import ModelAttack
from pixelveil.attacks.verdict import RULES
from pixelveil.audit.bench import Bench
from pixelveil.errors import UsageError
from pixelveil.keys import Key
from pixelveil.plans import LanePlan
from pixelveil.plans.signed import signed_from_lanes
from pixelveil.schemes import Scheme

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = [
    "DRIFT",
    "MADE",
    "Models",
    "evidence_of_noise",
    "hold",
    "models_of",
    "not_absorbed",
    "one_map",
    "patch_of",
    "small_models",
]

DRIFT = 0.1
"""By which share of its deviation each weight of the audit's own model has moved since its base was published."""

MADE = (
    "A Vision Transformer of one block with random weights was made and encrypted for the audit. The model that it "
    f"comes from counts as public; every weight has moved from it by {DRIFT:.0%} of its deviation, as in fine-tuning. "
    "Of a base that is secret these attacks read nothing, until one client works with the server."
)
"""Which model attacks on models were run on, unless the user gives one; for the report."""

_PATCH = 8
_WIDEST = 768
_HALF = (0.5, 0.5, 0.5)
_CHUNK = 64
_MOST_BYTES = 2 << 30


@dataclass(frozen=True, kw_only=True, eq=False)
class Models:
    """A model and what is public of it.

    Args:
        model: Plain; left as it is.
        base: The public model that it comes from; None: nobody knows one.
        image_size: Height and width of the images that it reads, in pixels.
        mean: Mean of each color component, on pixels in [0, 1].
        std: Deviation of each color component.
        digest: Of the files that both are from; empty where the audit made them.
    """

    model: nn.Module = field(repr=False)
    base: nn.Module | None = field(default=None, repr=False)
    image_size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    digest: str = ""


def models_of(
    model: nn.Module,
    *,
    base: nn.Module | None,
    image_size: int,
    mean: Sequence[float],
    std: Sequence[float],
    files: Sequence[Path],
) -> Models:
    """Return a user's own models.

    Args:
        model: Plain.
        base: The public one that it comes from, if there is any.
        image_size: Side of its images in pixels.
        mean: Mean of each color component, on pixels in [0, 1].
        std: Deviation of each color component.
        files: That both are from; their digest stands for them.
    """
    total = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    size = (image_size, image_size)
    return Models(model=model, base=base, image_size=size, mean=tuple(mean), std=tuple(std), digest=total.hexdigest())


def patch_of(scheme: Scheme) -> int:
    """Return the side of the patches that go with a scheme: its blocks, or 8 pixels where it has none."""
    return scheme.block if scheme.block > 1 else _PATCH


def not_absorbed(scheme: Scheme) -> str:
    """Return why no model can read a scheme's images, so that there is none to attack; empty where one can."""
    if find_spec("torch") is None or find_spec("timm") is None:
        return "it needs PyTorch and timm: pip install 'pixelveil[models]'"
    if scheme.key_policy == "none":
        return "it has no key that a model could absorb"
    if scheme.key_policy != "shared":
        return "a model absorbs a key that all images share"
    try:
        one_map(scheme)
    except UsageError as error:
        return f"no model absorbs it: {error.message}"
    return ""


def one_map(scheme: Scheme) -> bool:
    """Return whether a scheme does the same to all patches, but for their order.

    Args:
        scheme: Of the key policy "shared".

    Raises:
        UsageError: It is not affine inside patches, or changes the shape of images.
    """
    side = 2 * patch_of(scheme)
    shape, plain = (side, side, 3), replace(scheme, asset="") if scheme.legacy else scheme
    if scheme.encrypted_shape(shape) != shape:
        raise UsageError("images change their shape")
    plan = plain.plan(key=Key.generate(), shape=shape)
    if isinstance(plan, LanePlan):
        return signed_from_lanes(plan, shape=shape).in_patches(shape=shape, side=patch_of(scheme)).shared
    return plan.to_affine().matrix.ndim == 2


def small_models(
    *, shape: tuple[int, int, int], patch: int, seed: int = 0, drift: float = DRIFT, fixed: bool = False
) -> Models:
    """Return a Vision Transformer of one block with random weights, as wide as a patch has values, and its base.

    Nothing that attacks on the patch embedding use is learned; random filters are the hardest to tell apart.

    Args:
        shape: (H, W, C) of the images; what patches do not fill is cut off.
        patch: Side in pixels.
        seed: Of the weights.
        drift: By which share of its deviation each weight has moved since.
        fixed: Whether positions are a table of sines that is not learned.

    Raises:
        UsageError: The images are smaller than a patch.
    """
    import torch
    from timm.layers import build_sincos2d_pos_embed
    from timm.models import VisionTransformer

    rows, columns, channels = shape[0] // patch, shape[1] // patch, shape[2]
    if not rows * columns:
        raise UsageError(f"images of {shape[0]}x{shape[1]} hold no patch of {patch}x{patch}")
    width = min(max(patch**2 * channels, 64), _WIDEST) // 4 * 4
    size = (rows * patch, columns * patch)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        base = VisionTransformer(
            img_size=size, patch_size=patch, in_chans=channels, embed_dim=width, depth=1, num_heads=4, mlp_ratio=1.0,
            num_classes=10,
        ).eval()  # fmt: skip
        for parameter in base.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
        if fixed:
            base.pos_embed[0, 1:] = build_sincos2d_pos_embed([rows, columns], dim=width)
        model = copy.deepcopy(base)
        for parameter in model.parameters() if drift else ():
            parameter.add_(drift * parameter.std(correction=0) * torch.randn_like(parameter))
    half = _HALF[:1] * channels
    return Models(model=model, base=base, image_size=size, mean=half, std=half)


def hold(bench: Bench, models: Models, *, attack: ModelAttack, victims: int | None = None) -> ModelEvidence:
    """Encrypt model and images under the bench's key and return what an attacker holds.

    Args:
        bench: Scheme, key and images.
        models: What is encrypted, and what is public.
        attack: Whose needs are met.
        victims: How many at most; all if not given, and for gradients as many as a verdict needs.
    """
    from pixelveil.models import extract_stem

    scheme, images, size = bench.scheme, bench.images, models.image_size
    most = RULES.victims if attack.access == "gradients" else len(images.victims)
    encrypted, client = _encrypted(models, scheme=scheme, key=bench.key), None
    if "client" in attack.needs:
        own = bench.renewed().key
        plan = scheme.plan(key=own, shape=(*size, images.shape[2]))
        client = Client(plan=plan, stem=extract_stem(_encrypted(models, scheme=scheme, key=own)))
    evidence = ModelEvidence(
        scheme=replace(scheme, asset=""),
        stem=extract_stem(encrypted),
        ciphertexts=bench.encrypt(_cropped(images.encrypted, size)),
        victims=min(victims or most, most, len(images.victims)),
        base=None if models.base is None else base_tensors(models.base, image_size=size),
        public=_cropped(images.public, size),
        client=client,
        model=encrypted,
        seed=bench.seed,
    )
    return _answered(evidence, needs=attack.needs)


def evidence_of_noise(evidence: ModelEvidence, *, bench: Bench, attack: ModelAttack) -> ModelEvidence:
    """Return the same evidence with AES-CTR noise in place of the images, through the same model under the same key.

    Args:
        evidence: Of the real case.
        bench: Its scheme and key.
        attack: Whose needs are met.
    """
    noise = bench.encrypt(aes_noise(len(evidence.ciphertexts), evidence.shape))
    return _answered(replace(evidence, ciphertexts=noise), needs=attack.needs)


def _encrypted(models: Models, *, scheme: Scheme, key: Key) -> nn.Module:
    from pixelveil.models import encrypt_model

    return encrypt_model(
        models.model,
        scheme=scheme,
        key=key,
        image_size=models.image_size,
        mean=models.mean,
        std=models.std,
        check=False,
    )


def _cropped(images: Images, size: tuple[int, int]) -> Images:
    return np.ascontiguousarray(images[:, : size[0], : size[1]])


def _answered(evidence: ModelEvidence, *, needs: tuple[str, ...]) -> ModelEvidence:
    """Return evidence with what the model answers the victims, and with the gradients of a step on each."""
    import torch

    from pixelveil.models.outputs import normalize, primary, run_model

    model, info = evidence.model, evidence.stem.info
    if model is None or not {"labels", "updates"} & set(needs):
        return evidence
    like = next(model.parameters())
    seen = evidence.ciphertexts[: evidence.victims]
    parts = [
        normalize(seen[start : start + _CHUNK], mean=info.mean, std=info.std, like=like)
        for start in range(0, len(seen), _CHUNK)
    ]
    with torch.no_grad():
        labels = torch.cat([primary(run_model(model, part)).argmax(dim=1) for part in parts])
    evidence = replace(evidence, labels=labels.cpu().numpy())
    if "updates" not in needs:
        return evidence
    kept = None if "model" in needs else frozenset(info.layout.names)
    nbytes = sum(one.nbytes for name, one in model.named_parameters() if kept is None or name in kept)
    if nbytes * len(seen) > _MOST_BYTES:
        raise UsageError(f"gradients of {len(seen)} images take {nbytes * len(seen) / 1e9:.0f} GB")
    updates: list[Mapping[str, Tensor]] = []
    for pixels, label in zip(torch.cat(parts), labels, strict=True):
        found = gradients_of(model, pixels[None], label[None])
        updates.append({name: one for name, one in found.items() if kept is None or name in kept})
    return replace(evidence, updates=updates)
