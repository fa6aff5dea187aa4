"""Tiny networks of the learned schemes, with weights that anybody can make (spec/make_network_vectors.py)."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from pixelveil.schemes.asset import Asset
from pixelveil.schemes.learned.generator import generator_shapes
from pixelveil.schemes.learned.unet import unet_shapes

spec = SimpleNamespace(**runpy.run_path(str(Path(__file__).resolve().parents[2] / "spec" / "make_network_vectors.py")))


def arrays_of(scheme, *, width=2, depth=2):
    """The weights of a scheme's network as its asset holds them."""
    if scheme == "image-to-perturbation":
        shapes = unet_shapes(width=width, levels=depth)
    else:
        shapes = generator_shapes(width=width, blocks=depth)
    return {name: np.array(values, np.float32) for name, values in spec.network_weights(shapes).items()}


def asset_of(scheme, *, width=2, depth=2):
    """An asset of tiny weights."""
    return Asset(scheme=scheme, kind="weights", arrays=arrays_of(scheme, width=width, depth=depth))
