"""An encrypted model against the plain one, how long a change of key takes, and what keys by position cost."""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import Any

import numpy as np

from benchmarks.timing import time_in_turn
from pixelveil import Key, create_scheme
from pixelveil.plans import AffinePlan

__all__ = ["run", "run_per_position"]

MODEL, BATCH = "vit_base_patch16_224", 4
PER_POSITION_BATCH = 8
HALF = (0.5, 0.5, 0.5)


def run() -> dict[str, Any]:
    """Return images per second of both models with their ratio, and milliseconds to re-key and to swap a stem."""
    import timm
    import torch

    from pixelveil.models import encrypt_model, extract_stem, load_stem, rekey_stem

    torch.manual_seed(0)
    plain = timm.create_model(MODEL, pretrained=False, num_classes=10).eval()
    mean, std = HALF, HALF
    scheme, key = create_scheme("vit-permutation", block_size=16), Key.generate()
    encrypted = encrypt_model(plain, scheme=scheme, key=key, image_size=224, mean=mean, std=std)
    images = torch.rand(BATCH, 3, 224, 224)

    def forward(model: torch.nn.Module) -> None:
        with torch.inference_mode():
            model(images)

    seconds = time_in_turn({"plain": lambda: forward(plain), "encrypted": lambda: forward(encrypted)}, rounds=9)
    ratio = statistics.median(a / b for a, b in zip(seconds["plain"], seconds["encrypted"], strict=True))
    old = key.active
    new = key.rotate()
    stem = extract_stem(encrypted)
    other = rekey_stem(stem, scheme=scheme, old_key=old, new_key=new)
    changes = time_in_turn(
        {
            "re-key": lambda: rekey_stem(stem, scheme=scheme, old_key=old, new_key=new),
            "swap": lambda: load_stem(encrypted, other),
        },
        rounds=7,
    )
    return {
        "model": MODEL,
        "batch": BATCH,
        "threads": torch.get_num_threads(),
        "plain_images_per_second": round(BATCH / statistics.median(seconds["plain"]), 2),
        "encrypted_images_per_second": round(BATCH / statistics.median(seconds["encrypted"]), 2),
        "encrypted_to_plain_speed": round(ratio, 4),
        "stem_megabytes": round(stem.nbytes / 1e6, 2),
        "rekey_milliseconds": round(1e3 * statistics.median(changes["re-key"]), 1),
        "swap_stem_milliseconds": round(1e3 * statistics.median(changes["swap"]), 1),
    }


def run_per_position() -> dict[str, Any]:
    """Return memory and speed of both patch embeddings for keys by position, beside the plain one.

    The embedding alone and the whole model, and how long it takes to absorb a key without the check.
    """
    import timm
    import torch

    from pixelveil.models import encrypt_model, encrypt_model_with_plan
    from pixelveil.models.cost import cost_of

    torch.manual_seed(0)
    plain = timm.create_model(MODEL, pretrained=False, num_classes=10).eval()
    settings = {"image_size": 224, "mean": HALF, "std": HALF, "check": False}
    scheme, plan = create_scheme("etc-color", block_size=16), _reflections()
    absorbed: dict[str, float] = {}

    def absorb(name: str) -> torch.nn.Module:
        start = time.perf_counter()
        if name == "signed":
            encrypted = encrypt_model(plain, scheme=scheme, key=Key.generate(), **settings)
        else:
            encrypted = encrypt_model_with_plan(plain, plan=plan, **settings)
        absorbed[name] = time.perf_counter() - start
        return encrypted

    models = {"plain": plain, "signed": absorb("signed"), "dense": absorb("dense")}
    images = torch.rand(PER_POSITION_BATCH, 3, 224, 224)

    def forward(module: torch.nn.Module) -> None:
        with torch.inference_mode():
            module(images)

    def seconds(modules: dict[str, torch.nn.Module], *, rounds: int) -> dict[str, float]:
        contestants = {name: partial(forward, module) for name, module in modules.items()}
        times = time_in_turn(contestants, rounds=rounds)
        return {name: statistics.median(values) for name, values in times.items()}

    whole = seconds(models, rounds=3)
    alone = seconds({name: model.patch_embed.proj for name, model in models.items()}, rounds=15)
    results: dict[str, Any] = {"model": MODEL, "batch": PER_POSITION_BATCH, "threads": torch.get_num_threads()}
    for name, model in models.items():
        layout = models["signed" if name == "plain" else name].pixelveil.layout
        cost = cost_of(model.patch_embed.proj.weight, layout=layout.in_form("shared") if name == "plain" else layout)
        results[name] = {
            "embedding_megabytes": round(cost.nbytes / 1e6, 2),
            "embedding_milliseconds": round(1e3 * alone[name], 2),
            "model_milliseconds": round(1e3 * whole[name], 1),
            "images_per_second": round(PER_POSITION_BATCH / whole[name], 2),
            "speed_to_plain": round(whole["plain"] / whole[name], 4),
            **({"absorb_seconds": round(absorbed[name], 2)} if name in absorbed else {}),
        }
    return results


def _reflections() -> AffinePlan:
    """Return an orthogonal matrix for each block of a 224x224 image; reflections are the cheapest to make."""
    normals = np.random.default_rng(0).normal(size=(196, 768))
    normals *= np.sqrt(2) / np.linalg.norm(normals, axis=1, keepdims=True)
    matrix = -normals[:, :, None] * normals[:, None, :]
    matrix[:, np.arange(768), np.arange(768)] += 1
    return AffinePlan(matrix=matrix)
