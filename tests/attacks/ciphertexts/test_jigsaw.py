"""The jigsaw solver end to end: its parts (states, costs, assembly, order of values) are proven by what they join."""

import numpy as np
import pytest

from pixelveil.attacks import Budget, Evidence
from pixelveil.attacks.ciphertexts.jigsaw import Jigsaw
from pixelveil.attacks.evaluate import score
from pixelveil.attacks.measures.assembly import direct_comparison, largest_component, neighbor_comparison
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme

SIDE = 96


def photographs():
    data = pytest.importorskip("skimage.data")
    return np.stack(
        [data.astronaut()[20 : 20 + SIDE, 180 : 180 + SIDE], data.chelsea()[100 : 100 + SIDE, 150 : 150 + SIDE]]
    )


def read(scheme, plain, *, key=None):
    encrypted = scheme.encrypt(plain, key=key or Key.generate()).images
    evidence = Evidence(scheme=scheme, ciphertexts=encrypted, shape=plain.shape[1:], victims=len(plain))
    return Jigsaw().run(evidence, budget=Budget(seconds=40))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("vit-permutation", {"block_size": 16, "shuffle": False, "invert": False}),
        ("etc-color", {"block_size": 16}),
    ],
)
def test_blocks_are_put_together_and_noise_is_not(name, parameters):
    scheme, plain = create_scheme(name, **parameters), photographs()
    scores = score(read(scheme, plain), plain)
    noise = np.random.default_rng(0).integers(0, 256, plain.shape, dtype=np.uint8)
    floor = score(read(scheme, noise), plain)
    assert scores.mean("ssim") > 0.6
    assert scores.mean("ssim") > floor.mean("ssim") + 0.4
    assert abs(floor.mean("edges")) < 0.2


def test_it_says_what_it_does_not_apply_to():
    for name in ("skk", "tanaka-le", "vit-orthogonal", "xor-stream", "svd-wang"):
        assert Jigsaw().obstacle(create_scheme(name))
    assert Jigsaw().obstacle(create_scheme("etc-color")) == ""


def test_measures_of_assemblies():
    """Whole, shifted by one column, and in no order at all."""
    right = np.arange(16).reshape(1, 4, 4)
    shifted = np.roll(right, 1, axis=2)
    mixed = np.random.default_rng(3).permutation(16).reshape(1, 4, 4)
    assert [float(measure(right)[0]) for measure in (direct_comparison, neighbor_comparison, largest_component)] == [
        1,
        1,
        1,
    ]
    assert direct_comparison(shifted)[0] == 0
    assert neighbor_comparison(shifted)[0] == pytest.approx((4 * 2 + 3 * 4) / 24)
    assert largest_component(shifted)[0] == pytest.approx(12 / 16)
    assert neighbor_comparison(mixed)[0] < 0.3
