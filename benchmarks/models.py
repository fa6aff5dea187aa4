"""An encrypted model against the plain one, and how long a change of key takes."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.timing import time_in_turn
from pixelveil import Key, create_scheme

__all__ = ["run"]

MODEL, BATCH = "vit_base_patch16_224", 4


def run() -> dict[str, Any]:
    """Return images per second of both models with their ratio, and milliseconds to re-key and to swap a stem."""
    import timm
    import torch

    from pixelveil.models import encrypt_model, extract_stem, load_stem, rekey_stem

    torch.manual_seed(0)
    plain = timm.create_model(MODEL, pretrained=False, num_classes=10).eval()
    mean, std = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
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
