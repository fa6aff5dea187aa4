"""Encrypt a folder of JPEG files against only decoding them, on the same processors."""

from __future__ import annotations

import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.timing import time_in_turn
from pixelveil import Key, create_scheme
from pixelveil.data.decode import decode_image
from pixelveil.data.encrypt_folder import encrypt_folder
from pixelveil.plans.threads import processors

__all__ = ["run"]

IMAGES, SIZE, QUALITY = 2000, 224, 90
FILE_SIZES = ((224, 224), (427, 640))


def run() -> dict[str, Any]:
    """Return images per second of decoding and of encrypting to shards and to PNG, for small and usual files."""
    return {
        "images": IMAGES,
        "size": SIZE,
        "jpeg_quality": QUALITY,
        "workers": processors(),
        "sizes": {f"{width}x{height}": _compare(height, width) for height, width in FILE_SIZES},
    }


def _compare(height: int, width: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        source = base / "plain" / "photographs"
        source.mkdir(parents=True)
        files = _write_photographs(source, height, width)
        number, key, workers = count(), Key.generate(budget=2**52), processors()

        def decode() -> None:
            with ThreadPoolExecutor(workers) as pool:
                for _ in pool.map(lambda path: decode_image(path, size=SIZE), files):
                    pass

        def encrypt(scheme: str, storage: str) -> None:
            # Outputs stay until the end: removing them is no part of the job.
            out = base / f"out-{next(number)}"
            encrypt_folder(
                base / "plain", out, key=key, scheme=create_scheme(scheme), size=SIZE, storage=storage, workers=workers
            )

        seconds = time_in_turn(
            {
                "decode only": decode,
                "vit-permutation to npy shards": lambda: encrypt("vit-permutation", "npy"),
                "skk to npy shards": lambda: encrypt("skk", "npy"),
                "vit-permutation to PNG": lambda: encrypt("vit-permutation", "png"),
            },
            rounds=3,
        )
    decoding = seconds["decode only"]
    return {
        name: {
            "images_per_second": round(IMAGES / statistics.median(times), 1),
            "share_of_decoding": round(statistics.median(a / b for a, b in zip(decoding, times, strict=True)), 3),
        }
        for name, times in seconds.items()
    }


def _write_photographs(folder: Path, height: int, width: int) -> list[Path]:
    """Write crops of the photographs that ship inside scikit-learn (427x640) as JPEG files."""
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images().images
    generator = np.random.default_rng(0)
    files = []
    for number in range(IMAGES):
        photograph = photographs[number % len(photographs)]
        top = int(generator.integers(0, photograph.shape[0] - height + 1))
        left = int(generator.integers(0, photograph.shape[1] - width + 1))
        path = folder / f"{number:05}.jpg"
        Image.fromarray(photograph[top : top + height, left : left + width]).save(path, quality=QUALITY)
        files.append(path)
    return files
