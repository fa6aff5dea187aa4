"""Second-order statistics: how many ciphertexts under one key it takes, and what the same attack reads of noise."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil import Key, create_scheme
from pixelveil.attacks import Budget, Evidence, create_attack
from pixelveil.attacks.controls import negative_control
from pixelveil.attacks.evaluate import score
from pixelveil.plans.geometry import split_blocks
from pixelveil.schemes import Scheme

__all__ = ["run"]

Row = dict[str, Any]
Bytes = NDArray[np.uint8]

_VICTIMS = 20
_PUBLIC = 2000
# Repeated with other images and keys where so few images decide.
_FEW, _DRAWS = 10, 4
# Controls beyond so many images would only take time.
_CONTROLLED = 300
# More than any of them takes at 32 x 32; what is still searching at 224 x 224 gives what it has.
_SECONDS = 60.0

SHARED = {"key_policy": "shared"}
# (attack, scheme, parameters, numbers of ciphertexts, the design study's figures by number)
CIFAR: tuple[tuple[str, str, dict[str, Any], tuple[int, ...], dict[int, float]], ...] = (
    ("statistics-skk", "skk", SHARED, (1, 2, 3, 5, 10, 2000), {2: 0.15, 3: 0.50, 5: 1.0}),
    ("statistics-le", "tanaka-le", {}, (1, 2, 3, 5, 10, 2000), {1: 0.31, 2: 0.46, 3: 0.59, 5: 0.81, 10: 0.95}),
    ("statistics-ele", "madono-ele", {}, (50, 100, 300, 2000), {100: 0.66, 300: 0.971, 2000: 0.972}),
    ("statistics-etc", "etc-color", {"block_size": 4}, (50, 100, 300, 2000), {}),
    ("statistics-etc", "etc-gray", {}, (50, 300), {}),
    ("statistics-vit", "vit-orthogonal", {"block_size": 4}, (30, 100, 300, 2000), {300: 0.72}),
    ("statistics-vit", "vit-orthogonal", {"block_size": 8}, (100, 300, 2000), {2000: 0.40}),
    ("statistics-vit", "vit-permutation", {"block_size": 4}, (30, 100, 300), {}),
    ("statistics-vit", "vit-compressible", {"block_size": 8, "sub_block_size": 4}, (100,), {}),
)
LARGE = (
    ("statistics-etc", "etc-color", {}, (50,), {}),
    ("statistics-vit", "vit-permutation", {}, (50,), {}),
    ("statistics-vit", "vit-orthogonal", {}, (20, 50), {20: 0.34, 50: 0.84}),
)
CROPS = (
    ("statistics-skk", "skk", SHARED, (3, 5), {3: 0.50, 5: 1.0}),
    ("statistics-le", "tanaka-le", {}, (3, 10), {3: 0.59, 10: 0.95}),
    ("statistics-ele", "madono-ele", {}, (100, 300), {100: 0.66, 300: 0.971}),
    ("statistics-etc", "etc-color", {"block_size": 4}, (300,), {}),
    ("statistics-etc", "etc-gray", {}, (300,), {}),
    ("statistics-vit", "vit-orthogonal", {"block_size": 4}, (300,), {300: 0.72}),
    ("statistics-vit", "vit-permutation", {"block_size": 4}, (300,), {}),
)
PHOTOGRAPHS = {"chelsea": 0.923, "coffee": 0.891, "china": 0.955, "immunohistochemistry": 0.449, "astronaut": None}
OTHERS = ("rocket", "flower", "retina")


def run(data: Path | None) -> Row:
    """Return all rows; those on CIFAR-10 where its file is given."""
    secret, public = _crops(("astronaut", "coffee", "chelsea"), 300), _crops(("china", "flower", "rocket"), 900, seed=1)
    results: Row = {
        "crops of photographs, public ones of others": _rows(CROPS, secret, public),
        "one photograph of 256x256 under LE": _single_photographs(),
    }
    if data:
        with np.load(data, allow_pickle=False) as content:
            train, test = content["x_train"], content["x_test"]
        results["cifar-10"] = _rows(CIFAR, test, train[:_PUBLIC])
        results["cifar-10 at 224x224"] = _rows(LARGE, _enlarged(test[:50]), _enlarged(train[:300]))
    return results


def _rows(table: Iterable[tuple[Any, ...]], plain: Bytes, public: Bytes) -> list[Row]:
    rows = []
    for attack, name, parameters, counts, study in table:
        for count in counts:
            scheme, draws = create_scheme(name, **parameters), _DRAWS if count <= _FEW else 1
            found = [_measured(attack, scheme, plain[k * count : (k + 1) * count], public) for k in range(draws)]
            row: Row = {"attack": attack, "scheme": name, "parameters": parameters, "images": count}
            for figure in found[0]:
                row[figure] = round(float(np.mean([one[figure] for one in found])), 3)
            rows.append({**row, "study": {"ssim": study[count]}} if count in study else row)
            print(rows[-1], flush=True)
    return rows


def _measured(attack: str, scheme: Scheme, plain: Bytes, public: Bytes) -> dict[str, float]:
    """Return the similarity of the best reading, that of the control, the share of blocks in place, and seconds."""
    key = Key.generate(budget=1_000_000)

    def encrypt(images: Bytes) -> Any:
        return scheme.encrypt(images, key=key).images

    victims = min(_VICTIMS, len(plain))
    evidence = Evidence(
        scheme=scheme, ciphertexts=encrypt(plain), shape=plain.shape[1:], victims=victims, public=public
    )
    start = time.perf_counter()
    found = create_attack(attack).run(evidence, budget=Budget(seconds=_SECONDS))
    seconds = time.perf_counter() - start
    scores = score(found, plain[:victims])
    row = {"ssim": scores.mean("ssim"), "edges": scores.mean("edges"), "seconds": seconds}
    if scheme.block > 1 and scheme.name != "tanaka-le":
        row["layout"] = _in_place(scores.images, plain[:victims], scheme.block)
    if len(plain) <= _CONTROLLED:
        control = create_attack(attack).run(
            negative_control(evidence, encrypt=encrypt), budget=Budget(seconds=_SECONDS)
        )
        floor = score(control, plain[:victims])
        row |= {"ssim_control": floor.mean("ssim"), "edges_control": floor.mean("edges")}
    return row


def _in_place(read: Bytes, plain: Bytes, side: int) -> float:
    """Return the share of blocks whose values, over images, are nearer to the block of their place than to another."""
    shape = tuple(size - size % side for size in plain.shape[1:3])
    blocks = [
        split_blocks(images[:, : shape[0], : shape[1]], block=(side, side)).swapaxes(0, 1).astype(np.float32)
        for images in (read, plain)
    ]
    one, other = (each.reshape(len(each), -1) for each in blocks)
    distances = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None] - 2 * one @ other.T
    return float((distances.argmin(axis=1) == np.arange(len(one))).mean())


def _single_photographs() -> list[Row]:
    scheme, rows = create_scheme("tanaka-le"), []
    sources = {name: _photograph(name) for name in (*PHOTOGRAPHS, *OTHERS)}
    for name, study in PHOTOGRAPHS.items():
        public = np.stack([_centered(image) for other, image in sources.items() if other != name])
        row: Row = {"photograph": name, **_measured("statistics-le", scheme, _centered(sources[name])[None], public)}
        row = {figure: round(value, 3) if isinstance(value, float) else value for figure, value in row.items()}
        rows.append({**row, "study": {"ssim": study}} if study else row)
        print(rows[-1], flush=True)
    return rows


def _photograph(name: str) -> Bytes:
    from skimage import data
    from sklearn.datasets import load_sample_image

    image: Bytes = load_sample_image(f"{name}.jpg") if name in ("china", "flower") else getattr(data, name)()
    return image


def _centered(image: Bytes, *, side: int = 256) -> Bytes:
    top, left = ((size - side) // 2 for size in image.shape[:2])
    return image[top : top + side, left : left + side]


def _crops(names: Iterable[str], count: int, *, seed: int = 0, side: int = 32, scale: int = 4) -> Bytes:
    """Return random crops of photographs in turn, averaged over ``scale`` pixels a side."""
    generator, sources, pictures = np.random.default_rng(seed), [_photograph(name) for name in names], []
    for number in range(count):
        source = sources[number % len(sources)]
        top, left = (int(generator.integers(size - side * scale + 1)) for size in source.shape[:2])
        crop = source[top : top + side * scale, left : left + side * scale]
        pictures.append(crop.reshape(side, scale, side, scale, 3).mean(axis=(1, 3)))
    return np.rint(pictures).astype(np.uint8)


def _enlarged(images: Bytes, *, side: int = 224) -> Bytes:
    from PIL import Image

    return np.stack(
        [np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)) for image in images]
    )
