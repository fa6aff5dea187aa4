import numpy as np
import pytest

from pixelveil.attacks.attack import Reconstruction
from pixelveil.attacks.evaluate import score
from pixelveil.audit.bench import Bench
from pixelveil.audit.controls import check_negative, run_positive
from pixelveil.audit.positive import Positive


@pytest.fixture
def bench(scheme, images):
    return Bench(scheme=scheme, images=images)


def test_an_attack_without_entry_has_no_positive_control(bench, fakes):
    found = run_positive(fakes.Folding(), bench=bench, seconds=9, positives={})
    assert not found.passed
    assert "registered" in found.facts["reason"]


def test_the_figure_must_be_reached(bench, fakes):
    easy = Positive(scheme="skk", parameters={"shuffle": "none"}, images=50, least=0.99)
    found = run_positive(fakes.Folding(), bench=bench, seconds=9, positives={"folding": easy})
    assert found.passed
    assert found.facts["reached"] == 1.0
    assert found.facts["images"] == 50
    # With shuffled channels folding gives less.
    hard = Positive(scheme="skk", parameters={"shuffle": "per_pixel"}, least=0.99)
    assert not run_positive(fakes.Folding(), bench=bench, seconds=9, positives={"folding": hard}).passed


def test_a_control_that_does_not_fit_the_images_fails_with_its_reason(bench, fakes):
    wrong = Positive(scheme="tanaka-le", least=0.1)
    found = run_positive(fakes.Stumbling(), bench=bench, seconds=9, positives={"stumbling": wrong})
    assert not found.passed
    assert "taste" in found.facts["reason"]


def checked(reconstructed, images):
    found = Reconstruction(images=reconstructed)
    plain = images.victims
    gallery = images.gallery(np.arange(len(plain)))
    return check_negative(found, plain, score(found, plain, gallery=gallery))


def test_noise_and_what_is_alike_for_all_pass(images):
    noise = np.random.default_rng(0).integers(0, 256, images.victims.shape, np.uint8)
    assert checked(noise, images).passed
    mean = np.rint(images.public.mean(axis=0, keepdims=True)).astype(np.uint8)
    assert checked(np.broadcast_to(mean, images.victims.shape).copy(), images).passed


def test_what_knows_the_victims_fails(images):
    """An attack that reads victims out of noise has seen them elsewhere."""
    assert not checked(images.victims, images).passed
    faint = np.clip(images.victims * 0.3 + np.random.default_rng(0).normal(128, 30, images.victims.shape), 0, 255)
    assert not checked(faint.astype(np.uint8), images).passed


def test_one_victim_has_no_other_to_compare_with(images):
    found = Reconstruction(images=images.victims[:1])
    assert check_negative(found, images.victims[:1], score(found, images.victims[:1])).passed


def test_a_network_that_has_learned_nothing_fails(bench, fakes):
    """It must exceed the attack without a network that it starts from."""
    rival = Positive(scheme="skk", parameters={"shuffle": "none"}, images=50, least=0.1, beats="leading-bit")
    found = run_positive(fakes.Folding(), bench=bench, seconds=9, positives={"folding": rival})
    assert found.facts["reached"] >= 0.1
    assert found.facts["reached"] <= found.facts["rival"]
    assert not found.passed
