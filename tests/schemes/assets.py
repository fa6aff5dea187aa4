"""A small asset for every scheme that needs one, by its name; and the images that it fits."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from pixelveil.schemes import SCHEMES, create_scheme
from pixelveil.schemes.fitting import fit_asset

SHAPE = (16, 24, 3)
PARAMETERS = {"svd-popescu": {"components": 5}}


def pictures(count, shape=SHAPE, seed=3):
    """Images that differ: noise over a slope."""
    height, width, _ = shape
    slope = np.add.outer(np.arange(height), np.arange(width))[..., None] * 128 // (height + width)
    return (np.random.default_rng(seed).integers(0, 128, (count, *shape)) + slope).astype(np.uint8)


def scheme_with_asset(name):
    """A scheme of the catalogue with an asset for images of SHAPE."""
    scheme = create_scheme(name, **PARAMETERS.get(name, {}))
    if "weights" in scheme.asset_kinds:
        learned = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("learned_cases.py"))))
        return scheme.bind(learned.asset_of(name))
    return scheme.bind(fit_asset(scheme, images=pictures(12)))


NEEDY = tuple(name for name, kind in SCHEMES.items() if kind.needs_asset)
