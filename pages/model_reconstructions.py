"""What attacks on encrypted models make of photographs, on a Vision Transformer with random weights."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from pages.reconstructions import SIDE, Shown, views
from pixelveil import Key, create_scheme
from pixelveil.attacks import Budget
from pixelveil.attacks.controls import aes_noise
from pixelveil.attacks.evaluate import score
from pixelveil.attacks.stem.catalogue import MODEL_ATTACKS
from pixelveil.attacks.stem.evidence import Client, ModelEvidence, base_tensors
from pixelveil.attacks.stem.gradient_inversion import gradients_of

__all__ = ["NAMES", "expected"]

NAMES = ("april", "colluding-client", "plain-tokens", "stem-key")
"""Those that read a photograph whatever the weights are; the others need a trained model, or special positions."""

_VICTIMS, _PUBLIC, _BLOCK = 4, 50, 16
_SIGHT = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
_UNCOUNTED = 1 << 30


def expected(name: str, *, seconds: float) -> Shown:
    """Return what an attack reads of photographs under ``vit-orthogonal``, with the base of the model known.

    Args:
        name: Of the attack.
        seconds: For the attack and for its control.
    """
    from pixelveil.models import encrypt_model, extract_stem

    start, made = time.perf_counter(), create_scheme("vit-orthogonal", block_size=_BLOCK)
    shown, shape, model = views(SIDE), (SIDE, SIDE, 3), _vit()
    plain = shown.encrypted[:_VICTIMS]
    keys = [Key.generate(budget=_UNCOUNTED) for _ in range(2)]
    models = [encrypt_model(model, scheme=made, key=key, image_size=SIDE, check=False, **_SIGHT) for key in keys]
    stems = [extract_stem(one) for one in models]
    ciphertexts = np.asarray(made.encrypt(plain, key=keys[0]).images)
    evidence = ModelEvidence(
        scheme=made,
        stem=stems[0],
        ciphertexts=ciphertexts,
        victims=len(plain),
        base=base_tensors(model, image_size=SIDE),
        public=shown.public[:_PUBLIC],
        client=Client(plan=made.plan(key=keys[1], shape=shape), stem=stems[1]),
    )
    noise = np.asarray(made.encrypt(aes_noise(len(plain), shape), key=keys[0]).images)
    attack, scores = MODEL_ATTACKS[name](), []
    for seen in (ciphertexts, noise):
        held = replace(evidence, ciphertexts=seen)
        if attack.access == "gradients":
            held = replace(held, updates=_updates(models[0], seen))
        scores.append(score(attack.run(held, budget=Budget(seconds=seconds)), plain))
    row: dict[str, Any] = {
        "attack": name,
        "access": attack.access,
        "scheme": made.name,
        "parameters": dict(made.parameters),
        "side": SIDE,
        "victims": len(plain),
    }
    for measure in ("ssim", "edges"):
        row[measure] = round(scores[0].mean(measure), 3)
        row[f"{measure}_control"] = round(scores[1].mean(measure), 3)
    row["seconds"] = round(time.perf_counter() - start, 1)
    return Shown(row=row, plain=plain[0], encrypted=ciphertexts[0], reading=scores[0].images[0])


def _updates(model: Any, ciphertexts: Any) -> list[Any]:
    import torch

    from pixelveil.models.outputs import normalize

    pixels = normalize(ciphertexts, like=model.patch_embed.proj.weight, **_SIGHT)
    return [gradients_of(model, one[None], torch.tensor([3])) for one in pixels]


def _vit() -> Any:
    import torch
    from timm.models import VisionTransformer

    torch.manual_seed(0)
    model = VisionTransformer(
        img_size=SIDE, patch_size=_BLOCK, embed_dim=_BLOCK * _BLOCK * 3, depth=1, num_heads=4, num_classes=10
    ).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    return model
