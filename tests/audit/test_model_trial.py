"""Attacks on encrypted models as cells: broken with a public base, not with a secret one, and with both controls."""

from dataclasses import replace

import pytest

from pixelveil.attacks.stem.catalogue import MODEL_ATTACKS
from pixelveil.audit.bench import Bench
from pixelveil.audit.control_store import ControlStore
from pixelveil.audit.model_trial import ModelTrial, create_model_attack
from pixelveil.audit.models import small_models
from pixelveil.schemes import create_scheme

SCHEME = create_scheme("vit-orthogonal", block_size=8)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return ControlStore(folder=tmp_path_factory.mktemp("controls"))


@pytest.fixture
def bench(images, store):
    return Bench(scheme=SCHEME, images=images, controls=store)


def trial(name, **changes):
    return ModelTrial(attack=create_model_attack(name), **changes)


@pytest.mark.parametrize("name", ["april", "colluding-client", "plain-tokens", "stem-key"])
def test_a_drifted_model_of_a_public_base_is_read_through(name, bench):
    found = trial(name).run(bench, seconds=30)
    assert found.positive.passed, found.positive
    assert found.negative.passed
    assert found.verdict == "BROKEN"
    assert found.figures["ssim"].value > 0.8
    assert abs(found.figures["ssim_control"].value) < 0.1
    assert len(found.strips) == 3


@pytest.mark.parametrize("name", ["plain-tokens", "stem-key"])
def test_an_unrelated_base_gives_nothing(name, bench):
    related, unrelated = (small_models(shape=(16, 16, 3), patch=8, seed=seed) for seed in (0, 1))
    found = trial(name, models=replace(related, base=unrelated.base)).run(bench, seconds=30)
    assert found.figures["ssim"].value < 0.2
    assert found.verdict != "BROKEN"


def test_random_positions_say_nothing_of_the_order(bench):
    found = trial("structured-positions").run(bench, seconds=30)
    assert found.facts["source"] == "nothing"
    assert found.verdict in ("NO LEAK FOUND", "INCONCLUSIVE")


def test_what_nothing_is_registered_for_is_not_run(bench):
    for name in ("gradient-inversion", "model-inversion"):
        found = trial(name).run(bench, seconds=30)
        assert (found.verdict, found.victims, found.figures) == ("INCONCLUSIVE", 0, {})
        assert "must break" in found.criterion


def test_obstacles(images):
    for name in MODEL_ATTACKS:
        assert "half bytes" in trial(name).obstacle(create_scheme("tanaka-le"))
    assert "a sum over all" in trial("april").obstacle(create_scheme("etc-color"))
    assert trial("april").obstacle(SCHEME) == ""
    secret = replace(small_models(shape=(16, 16, 3), patch=8), base=None)
    assert "--base" in trial("stem-key", models=secret).obstacle(SCHEME)
    assert trial("colluding-client", models=secret).obstacle(SCHEME) == ""


def test_a_control_is_the_same_for_every_model(bench):
    own = replace(small_models(shape=(16, 16, 3), patch=8), digest="abc")
    assert trial("stem-key").settings != trial("stem-key", models=own).settings
    trial("stem-key", models=own).run(bench, seconds=30)
    kept = set(bench.controls.folder.glob("stem-key-*"))
    trial("stem-key").run(bench, seconds=30)
    assert set(bench.controls.folder.glob("stem-key-*")) == kept
