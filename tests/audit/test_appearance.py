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


def test_floats_have_no_histogram(images):
    found = rows(images, "vit-orthogonal", block_size=8)
    assert found["entropy of values, bits"]["encrypted"] is None
    assert found["values that change with the key (NPCR)"]["encrypted"] is None
    assert found["correlation of horizontal neighbors"]["encrypted"] is not None
