import pytest

from pixelveil.audit.appearance import appearance
from pixelveil.audit.bench import Bench
from pixelveil.schemes import create_scheme


def rows(images, name, **parameters):
    return {row["name"]: row for row in appearance(Bench(scheme=create_scheme(name, **parameters), images=images))}


def test_noise_looks_like_noise(images):
    found = rows(images, "xor-stream")
    entropy = found["entropy of values, bits"]
    assert entropy["encrypted"] == pytest.approx(float(entropy["noise"]), abs=0.05)
    assert abs(found["correlation of horizontal neighbors"]["encrypted"]) < 0.05
    assert found["values that change with the key (NPCR)"]["encrypted"] > 0.99
    assert 0.31 < found["mean change with the key (UACI)"]["encrypted"] < 0.36


def test_plain_images_have_structure(images):
    found = rows(images, "skk")
    assert found["correlation of horizontal neighbors"]["plain"] > 0.3
    assert found["entropy of values, bits"]["plain"] < 7


CHANGED = "values that change with one pixel of the image (NPCR)"
HISTOGRAM = "distance of the histogram from the plain image's, 0 to 1"
UNIFORM = "histogram against a uniform one, chi-squared"


def test_schemes_for_learning_spread_a_pixel_no_further_than_its_block(images):
    found = rows(images, "skk", key_policy="shared")[CHANGED]
    assert found["encrypted"] == found["plain"] == 1 / 256
    block = rows(images, "tanaka-le", key_policy="shared")[CHANGED]
    assert 1 / 256 <= block["encrypted"] <= 16 / 256
    assert rows(images, "xor-stream")[CHANGED]["encrypted"] > 0.99


def test_inverted_values_keep_half_of_a_histogram_and_noise_nothing(images):
    noise = rows(images, "xor-stream")
    assert noise[HISTOGRAM]["encrypted"] == pytest.approx(float(noise[HISTOGRAM]["noise"]), abs=0.02)
    assert noise[UNIFORM]["encrypted"] == pytest.approx(255, rel=0.1)
    inverted = rows(images, "skk")
    assert inverted[HISTOGRAM]["encrypted"] < noise[HISTOGRAM]["encrypted"]
    assert inverted[UNIFORM]["plain"] > inverted[UNIFORM]["encrypted"] > 255 * 1.2


def test_floats_have_no_histogram(images):
    found = rows(images, "vit-orthogonal", block_size=8)
    assert found["entropy of values, bits"]["encrypted"] is None
    for name in ("values that change with the key (NPCR)", CHANGED, HISTOGRAM, UNIFORM):
        assert found[name]["encrypted"] is None
    assert found["correlation of horizontal neighbors"]["encrypted"] is not None
