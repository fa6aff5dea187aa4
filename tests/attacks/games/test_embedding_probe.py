"""The probe sees style that block scrambling leaves, and nothing in AES-CTR noise."""

import json

import numpy as np
import pytest

from pixelveil.attacks.games.controls import Plain
from pixelveil.attacks.games.embedding_probe import EmbeddingProbe, cosines, likeness
from pixelveil.attacks.games.game import Deck
from pixelveil.errors import UsageError
from pixelveil.schemes import create_scheme

COUNT = 120


def play(scheme, deck_of, **more):
    return EmbeddingProbe().play(scheme, deck_of(COUNT, **more))


def test_plain_images_are_found(deck_of):
    assert play(Plain(), deck_of).interval.value > 0.95


def test_scrambled_blocks_under_keys_of_their_own_keep_their_style(deck_of):
    result = play(create_scheme("etc-color", block_size=8, key_policy="derived"), deck_of)
    assert result.interval.low > 0.5
    assert result.facts["own nearer than another"] > 0.9
    assert result.facts["loudest family"] in result.facts["families"]


@pytest.mark.parametrize("scheme", ["skk", "tanaka-le"])
def test_inverted_values_keep_coarse_layout(deck_of, scheme):
    result = play(create_scheme(scheme), deck_of)
    assert result.facts["own nearer than another"] > 0.7
    assert result.facts["families"]["folded layout"] > 10 / COUNT


@pytest.mark.parametrize("noise", [False, True])
def test_noise_is_like_no_image_more_than_another(deck_of, noise):
    result = play(create_scheme("etc-color" if noise else "xor-stream"), deck_of, noise=noise)
    assert result.interval.low < 2 / COUNT
    assert abs(result.facts["own nearer than another"] - 0.5) < 0.12


def test_classes_of_nearest_others_are_told_where_there_are_labels(deck_of):
    facts = play(Plain(), deck_of).facts
    assert facts["nearest other of its class"] > facts["chance of its class"] + 0.1
    assert facts["chance of its class"] == pytest.approx(59 / 119, abs=1e-3)
    assert "chance of its class" not in play(Plain(), deck_of, labels=None).facts


def test_cosines_are_those_of_standardized_rows():
    first, second = np.random.default_rng(0).normal(2, 3, (2, 9, 5)).astype(np.float32)
    a, b = ((rows - rows.mean(axis=0)) / rows.std(axis=0) for rows in (first, second))
    expected = [[x @ y / np.linalg.norm(x) / np.linalg.norm(y) for y in b] for x in a]
    np.testing.assert_allclose(cosines(first, second), expected, rtol=1e-4)
    np.testing.assert_allclose(cosines(first * 4 + 1, second), cosines(first, second), rtol=1e-4)


def test_only_families_that_agree_with_themselves_are_listened_to():
    generator = np.random.default_rng(1)
    shared, order = generator.normal(size=(50, 8)), generator.permutation(50)

    def features(images):
        sign = images[:, 0, 0, 0].astype(int)
        return {"own": shared[sign], "other": np.random.default_rng(len(images) + sign[0]).normal(size=(50, 8))}

    images = np.zeros((50, 2, 2, 1), np.uint8)
    images[:, 0, 0, 0] = np.arange(50)
    found = likeness(images[order], images, features=features)
    assert found.weights["own"] > 0.8
    assert (found.scores.argmax(axis=1) == order).all()


def test_flat_images_are_found_at_chance_and_raise_nothing():
    flat = np.full((20, 8, 8, 1), 90, np.uint8)
    result = EmbeddingProbe().play(create_scheme("skk", shuffle="none"), Deck(images=flat, public=flat))
    assert result.hits <= 6
    assert json.loads(json.dumps(result.to_json()))["chance"] == 0.05


def test_a_network_in_a_file_is_used_in_place_of_the_bank(deck_of, tmp_path):
    timm = pytest.importorskip("timm")
    pytest.importorskip("safetensors.torch").save_file(
        timm.create_model("test_resnet").state_dict(), tmp_path / "net.safetensors"
    )
    game = EmbeddingProbe(weights=str(tmp_path / "net.safetensors"), architecture="test_resnet")
    result = game.play(Plain(), deck_of(40))
    assert result.interval.value > 0.9
    assert result.facts["features"] == "a pretrained network"
    with pytest.raises(UsageError, match="no such file"):
        EmbeddingProbe(weights="missing.safetensors").play(Plain(), deck_of(40))
