"""Jigsaw puzzle solver: neighbors, assemblies and pictures beside the design study's figures.

Natural images are random crops of seven photographs that scikit-image and scikit-learn ship; CIFAR-10 is enlarged to
224 pixels, as in the papers. "Study" holds the figures of the design study, measured on other crops.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.attack_measuring import cifar, measured
from pixelveil import create_scheme
from pixelveil.attacks.ciphertexts.jigsaw import Jigsaw
from pixelveil.attacks.ciphertexts.jigsaw_costs import Measure, pair_costs
from pixelveil.attacks.ciphertexts.jigsaw_solver import Assembly, assemble
from pixelveil.attacks.ciphertexts.jigsaw_states import States, turn_product
from pixelveil.attacks.measures.assembly import direct_comparison, largest_component, neighbor_comparison
from pixelveil.attacks.public_images.readings import turned
from pixelveil.plans.geometry import split_blocks

__all__ = ["run"]

Bytes = NDArray[np.uint8]

PERMUTED, ETC = States(), States(turns=8, signs=2, orders=6)
SIDE = 224


def run(data: Path | None = None) -> dict[str, Any]:
    """Return shares of right neighbors, figures of assemblies, and similarities of pictures.

    Args:
        data: An .npz file of CIFAR-10; None: its rows are left out.
    """
    natural, seed = _crops(20, SIDE), np.random.default_rng(1)
    large = None if data is None else _enlarged(cifar(data)[1][:20])
    return {
        "neighbors": list(_neighbor_rows(_crops(8, 256))),
        "assemblies": list(_assembly_rows(natural[:14], None if large is None else large[:12], generator=seed)),
        "pictures": list(_picture_rows(natural, large)),
    }


def _neighbor_rows(images: Bytes) -> Any:
    """Yield how often the right-hand neighbor in its right state costs least, of all pieces and states."""
    study = {
        ("prediction", 1): (0.57, 0.82, 0.96),
        ("gradients", 1): (0.67, 0.89, 0.98),
        ("prediction", 96): (0.40, 0.71, 0.91),
        ("gradients", 96): (None, None, None),
    }
    for (measure, count), figures in study.items():
        states = ETC if count == ETC.count else PERMUTED
        for block, figure in zip((8, 16, 32), figures, strict=True):
            # 98,208 candidates a side take a while: two photographs do.
            some = images[:2] if block == 8 and count == ETC.count else images
            shares = [_right_neighbors(image, block=block, states=states, measure=measure) for image in some]
            row = {"measure": measure, "states": count, "block": block, "right": round(float(np.mean(shares)), 3)}
            yield row | ({"study": figure} if figure is not None else {})


def _right_neighbors(image: Bytes, *, block: int, states: States, measure: Measure) -> float:
    pieces = _pieces(image, block)
    across = image.shape[1] // block
    costs = pair_costs(pieces[None], states=states, measure=measure)[0]
    best = costs.reshape(len(pieces), -1).argmin(axis=1).reshape(-1, across)
    right = np.arange(len(pieces)).reshape(-1, across)[:, 1:] * states.count
    return float((best[:, :-1] == right).mean())


def _assembly_rows(natural: Bytes, large: Bytes | None, *, generator: np.random.Generator) -> Any:
    """Yield D_c, N_c and L_c of single images, and of several under one key."""
    natural_study = {"direct": 0.893, "neighbors": 0.954, "largest": 0.958}
    exact = {"direct": 1.0, "neighbors": 1.0, "largest": 1.0}
    ones = [image[None] for image in natural]
    yield _assembled("natural", ones, 16, PERMUTED, generator, natural_study)
    study = {"direct": 0.994, "neighbors": 0.994, "largest": 0.994}
    yield _assembled("natural", ones, 32, PERMUTED, generator, study)
    yield _assembled("natural", [natural[start::2][:5] for start in range(2)], 16, PERMUTED, generator, exact)
    yield _assembled("natural", ones, 16, ETC, generator, None)
    yield _assembled("natural", ones, 32, ETC, generator, None)
    yield _assembled("natural", [natural[start::2][:5] for start in range(2)], 16, ETC, generator, None)
    if large is not None:
        yield _assembled("cifar-10 at 224", [image[None] for image in large], 16, PERMUTED, generator, exact)
        yield _assembled("cifar-10 at 224", [large[:5]], 16, ETC, generator, None)


def _assembled(
    name: str,
    groups: list[Bytes],
    block: int,
    states: States,
    generator: np.random.Generator,
    study: Mapping[str, float] | None,
) -> dict[str, Any]:
    figures, seconds = [], []
    for images in groups:
        pieces = np.stack([_pieces(image, block) for image in images])
        shape = (images.shape[1] // block, images.shape[2] // block)
        order = generator.permutation(pieces.shape[1])
        drawn = generator.integers(states.count, size=len(order))
        start = time.process_time()
        costs = pair_costs(states.show(pieces[:, order], drawn), states=states)
        found = assemble(costs, shape=shape, states=states, generator=np.random.default_rng(0))
        seconds.append(time.process_time() - start)
        figures.append(_figures(found, order, drawn, states=states))
    direct, neighbors, largest = np.mean(figures, axis=0).round(3).tolist()
    row = {
        "images": name,
        "block": block,
        "states": states.count,
        "under_one_key": len(groups[0]),
        "puzzles": len(groups),
        "direct": direct,
        "neighbors": neighbors,
        "largest": largest,
        "processor_seconds": round(float(np.mean(seconds)), 2),
    }
    return row | ({"study": dict(study)} if study else {})


def _figures(
    found: Assembly, order: NDArray[np.int64], drawn: NDArray[np.int64], *, states: States
) -> tuple[float, float, float]:
    """Return D_c, N_c and L_c in the best reading: pieces must lie in one state, all of them."""
    pieces, best = found.pieces[0], (0.0, 0.0, 0.0)
    state = states.product()[found.states[0], drawn[pieces]]
    for reading in range(states.count):
        turn = int(np.flatnonzero(turn_product()[int(states.parts()[0][reading])] == 0)[0])
        places = np.where(state == reading, order[pieces], -1)
        places = np.ascontiguousarray(turned(places[None, :, :, None], turn=turn)[0, :, :, 0])
        measures = direct_comparison, neighbor_comparison, largest_component
        direct, neighbors, largest = (float(measure(places)) for measure in measures)
        best = max(best, (direct, neighbors, largest), key=lambda one: one[1])
    return best


def _picture_rows(natural: Bytes, large: Bytes | None) -> Any:
    """Yield similarities of what the attack makes of schemes, with the control."""
    attack = Jigsaw()
    alone = create_scheme("vit-permutation", key_policy="ephemeral", invert=False)
    yield measured(attack, alone, natural, study={"ssim": 0.388}, control=False)
    yield measured(attack, create_scheme("vit-permutation"), natural[:14], study={"ssim": 1.0})
    if large is not None:
        yield measured(attack, alone, large, study={"ssim": 0.952}, control=False)
    yield measured(attack, create_scheme("vit-permutation", key_policy="ephemeral"), natural[:4])
    yield measured(attack, create_scheme("etc-color", key_policy="ephemeral"), natural[:4])
    yield measured(attack, create_scheme("etc-color"), natural[:5])
    half = np.ascontiguousarray(natural[:5, :128, :128])
    yield measured(attack, create_scheme("etc-gray"), half)
    yield measured(attack, create_scheme("etc-gray", key_policy="ephemeral"), half[:2])
    for own in (False, True):
        scheme = create_scheme("vit-compressible", per_block=own, key_policy="ephemeral")
        yield measured(attack, scheme, natural[:4])
    yield measured(attack, create_scheme("vit-restricted", key_policy="ephemeral"), natural[:4])


def _pieces(image: Bytes, block: int) -> Bytes:
    return split_blocks(image[None], block=(block, block))[0].reshape(-1, block, block, image.shape[2])


def _crops(count: int, side: int) -> Bytes:
    """Return random crops of seven photographs in turn."""
    from skimage import data
    from sklearn.datasets import load_sample_image

    sources = [getattr(data, name)() for name in ("astronaut", "coffee", "chelsea", "rocket")]
    sources += [load_sample_image("china.jpg"), load_sample_image("flower.jpg"), data.stereo_motorcycle()[0]]
    generator, result = np.random.default_rng(0), []
    for number in range(count):
        source = sources[number % len(sources)]
        top, left = (int(generator.integers(size - side + 1)) for size in source.shape[:2])
        result.append(source[top : top + side, left : left + side])
    return np.stack(result)


def _enlarged(images: Bytes) -> Bytes:
    size = (SIDE, SIDE)
    return np.stack([np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)) for image in images])
