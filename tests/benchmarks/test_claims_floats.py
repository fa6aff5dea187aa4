import numpy as np
import pytest

floats = pytest.importorskip("benchmarks.claims_floats", reason="benchmarks are run in a checkout")

from pixelveil.attacks.ciphertexts.leading_bit import fold  # noqa: E402 - after the check for a checkout
from pixelveil.attacks.ciphertexts.minimum_difference import minimum_difference  # noqa: E402
from pixelveil.schemes import create_scheme  # noqa: E402

PLAIN = np.random.default_rng(0).integers(256, size=(3, 12, 10, 3), dtype=np.uint8)


def test_on_bytes_the_published_attacks_are_those_of_the_catalogue():
    values = PLAIN.astype(np.float64)
    assert np.array_equal(floats.literal_leading_bit(values), fold(PLAIN))
    assert np.array_equal(floats.literal_minimum_difference(values), minimum_difference(PLAIN))


def test_a_negative_psnr_is_gone_as_soon_as_there_are_images():
    smooth = np.linspace(40, 210, 96)[None, :, None, None] + np.zeros((4, 96, 96, 3))
    plain = np.rint(smooth + np.random.default_rng(1).normal(0, 4, smooth.shape)).astype(np.uint8)
    for row in floats.as_published(create_scheme("svd-wang", factor="image", components=4), plain):
        assert row["psnr_unclipped_times_ten"]["value"] < 0
        assert row["psnr_unclipped_times_ten"]["value"] < row["psnr_unclipped"]["value"] - 10
        assert row["psnr_least"] >= 0
        assert row["psnr_aligned"]["value"] > 5


def test_schemes_of_bytes_have_no_unclipped_figures():
    rows = floats.as_published(create_scheme("skk"), PLAIN)
    assert [row["attack"] for row in rows] == ["leading-bit", "minimum-difference"]
    assert not any("psnr_unclipped" in row for row in rows)


def test_bytes_are_rounded_and_clipped():
    assert floats.bytes_of(np.array([-3.0, 1.6, 900.0])).tolist() == [0, 2, 255]
