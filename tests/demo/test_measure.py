"""Measurements tell right from wrong, and a difference in answers is an error."""

import numpy as np
import pytest

from pixelveil.demo import measure
from pixelveil.demo.measure import encryption_speed, measure_scheme
from pixelveil.demo.samples import photographs
from pixelveil.errors import VerificationError
from pixelveil.schemes import create_scheme
from pixelveil.training.dataset import ArrayImages
from pixelveil.training.models import ModelSpec

SPEC = ModelSpec(
    architecture="vit_tiny_patch16_224",
    num_classes=4,
    image_size=32,
    classes=tuple("abcd"),
    mean=(0.3, 0.4, 0.5),
    std=(0.2, 0.3, 0.4),
    architecture_options={"patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2},
)
IMAGES = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3)).astype(np.uint8)
PHOTOGRAPHS = [photograph.pixels for photograph in photographs()[:2]]


@pytest.mark.parametrize("name", ["vit-permutation", "vit-orthogonal"])
def test_one_scheme(name, monkeypatch):
    monkeypatch.setattr(measure, "encryption_speed", lambda scheme, *, photographs: (100.0, 5))
    model = SPEC.build(seed=1).eval()
    labels = measure.predict_logits(model, IMAGES, mean=SPEC.mean, std=SPEC.std).argmax(axis=1)
    steps = []
    result = measure_scheme(
        name,
        model=model,
        spec=SPEC,
        test=ArrayImages(IMAGES, labels=labels),
        photographs=PHOTOGRAPHS,
        advance=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(step, 6) for step in range(1, 7)]
    assert result.plain_accuracy == result.encrypted_accuracy == 100
    assert result.predictions_equal == result.rekeyed_predictions_equal == result.images == 24
    assert result.wrong_key_accuracy == pytest.approx(np.mean(result.wrong_key_accuracies))
    assert len(result.wrong_key_accuracies) == 3
    assert 25 <= result.wrong_key_most_frequent_answer <= 100
    assert 0 < result.max_logit_difference < 1e-4
    assert result.max_logit_difference_float64 < 1e-10
    assert result.stem_bytes == 4 * (32 * 192 + 32 + 17 * 32)
    assert result.parameters["block_size"] == 8
    assert result.decryption_exact
    assert (result.decryption_max_error == 0) is (name == "vit-permutation")
    assert result.decryption_max_error < 0.01


def test_a_different_answer_stops_the_demo():
    logits = np.eye(3)
    with pytest.raises(VerificationError, match="1 of 3"):
        measure._count_equal(logits, logits[[0, 1, 0]], difference=1.0)
    assert measure._count_equal(logits, 2 * logits, difference=1.0) == 3


def test_the_most_frequent_answer_is_counted():
    assert measure._most_frequent(np.eye(3)[[0, 1, 1, 1]]) == 75


def test_speed_is_of_plain_bytes():
    speed, size = encryption_speed(create_scheme("vit-permutation"), photographs=PHOTOGRAPHS, images=5)
    assert size == 5 * 224 * 224 * 3
    assert speed > 0
