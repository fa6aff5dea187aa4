"""Encrypt a folder of JPEG files against only decoding them, on the same processors."""

from __future__ import annotations

import os
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

__all__ = ["run"]

IMAGES, SIZE, QUALITY = 3000, 224, 90


def run() -> dict[str, Any]:
    """Return images per second of decoding and of encrypting to shards and to PNG, with shares of decoding."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        source = base / "plain" / "photographs"
        source.mkdir(parents=True)
        files = _write_photographs(source)
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        number, key = count(), Key.generate(budget=2**52)

        def decode() -> None:
            with ThreadPoolExecutor(workers) as pool:
                for _ in pool.map(decode_image, files, chunksize=16):
                    pass

        def encrypt(scheme: str, storage: str) -> None:
            out = base / f"out-{next(number)}"
            encrypt_folder(base / "plain", out, key=key, scheme=create_scheme(scheme), storage=storage, workers=workers)

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
        "images": IMAGES,
        "size": SIZE,
        "jpeg_quality": QUALITY,
        "workers": workers,
        "results": {
            name: {
                "images_per_second": round(IMAGES / statistics.median(times), 1),
                "share_of_decoding": round(statistics.median(a / b for a, b in zip(decoding, times, strict=True)), 3),
            }
            for name, times in seconds.items()
        },
    }


def _write_photographs(folder: Path) -> list[Path]:
    """Write crops of the photographs that ship inside scikit-learn as JPEG files."""
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images().images
    generator = np.random.default_rng(0)
    files = []
    for number in range(IMAGES):
        photograph = photographs[number % len(photographs)]
        top, left = (int(generator.integers(0, side - SIZE)) for side in photograph.shape[:2])
        path = folder / f"{number:05}.jpg"
        Image.fromarray(photograph[top : top + SIZE, left : left + SIZE]).save(path, quality=QUALITY)
        files.append(path)
    return files
