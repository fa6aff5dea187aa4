from dataclasses import replace

import numpy as np
import pytest

from pixelveil.audit.bench import Bench
from pixelveil.audit.trial import AttackTrial, stopped_early
from pixelveil.schemes import create_scheme


@pytest.fixture
def bench(scheme, images):
    return Bench(scheme=scheme, images=images)


def run(attack, bench, positives):
    return AttackTrial(attack=attack, positives=positives).run(bench, seconds=9)


def test_what_reads_everything_is_broken(bench, fakes):
    found = run(fakes.Folding(), bench, fakes.positives)
    assert found.verdict == "BROKEN"
    assert found.figures["ssim"].value == 1.0
    assert found.figures["psnr"].value == 100.0
    assert found.figures["ssim_control"].value < 0.1
    assert found.figures["reidentification"].value == 1.0
    assert (found.images, found.victims, found.public, found.pairs) == (144, 60, 0, 0)
    assert found.positive.passed
    assert found.negative.passed


def test_what_reads_nothing_finds_no_leak(bench, fakes):
    found = run(fakes.Constant(), bench, fakes.positives)
    assert found.verdict == "NO LEAK FOUND"
    assert found.public == len(bench.images.public)


def test_without_its_positive_control_nothing_is_proven(bench, fakes):
    assert run(fakes.Constant(), bench, {}).verdict == "INCONCLUSIVE"
    assert run(fakes.Folding(), bench, {}).verdict == "INCONCLUSIVE"


def test_a_key_that_is_claimed_of_noise_too_is_none(bench, fakes):
    class Claiming(fakes.Constant):
        def run(self, evidence, *, budget=None, advance=None):
            found = super().run(evidence)
            return replace(found, facts={"key found": int(self.claims(evidence.ciphertexts))})

    class Always(Claiming):
        def claims(self, ciphertexts):
            return True

    class Truly(Claiming):
        def claims(self, ciphertexts):
            return np.minimum(ciphertexts, 255 - ciphertexts).max() <= 120

    assert run(Always(), bench, fakes.positives).verdict == "NO LEAK FOUND"
    assert run(Truly(), bench, fakes.positives).criterion == "the key was recovered"


def test_pictures_of_this_kind_that_show_no_victim_are_no_leak(bench, images, fakes):
    """Any two pictures of a kind are more alike than one is like noise."""

    class Painting(fakes.Constant):
        def run(self, evidence, *, budget=None, advance=None):
            found = super().run(evidence)
            if np.minimum(evidence.ciphertexts, 255 - evidence.ciphertexts).max() > 120:  # noise
                return replace(found, images=np.random.default_rng(0).integers(0, 256, found.images.shape, np.uint8))
            return replace(found, images=images.public[: len(found.images)])

    assert run(Painting(), bench, fakes.positives).verdict == "NO LEAK FOUND"


def test_pictures_are_of_the_best_the_middle_and_the_worst(bench, fakes):
    found = run(fakes.Folding(), bench, fakes.positives)
    assert [strip.label for strip in found.strips] == ["best", "median", "worst"]
    for strip in found.strips:
        plain, encrypted, read, noise = strip.images
        assert (plain == read).all()
        assert (encrypted != plain).any()
        assert (noise != read).any()
        assert (np.minimum(encrypted, 255 - encrypted) == plain).all()


def test_attacks_on_models_have_no_images_to_work_on(fakes):
    class OnModels(fakes.Folding):
        access = "model"

    assert "images alone" in AttackTrial(attack=OnModels()).obstacle(create_scheme("skk"))


def test_settings_name_the_attack_and_its_control(fakes):
    first = AttackTrial(attack=fakes.Folding(), positives=fakes.positives).settings
    assert first["positive"]["scheme"] == "skk"
    assert AttackTrial(attack=fakes.Folding(), positives={}).settings != first


def test_a_network_without_time_proves_nothing(bench, fakes):
    quiet = run(fakes.Constant(), bench, fakes.positives)
    short = replace(quiet, verdict="NO LEAK FOUND", facts={"steps": 20})
    assert stopped_early(short, most=100).verdict == "INCONCLUSIVE"
    assert "20 of 100 steps" in stopped_early(short, most=100).criterion
    assert stopped_early(short, most=20) is short
    broken = replace(short, verdict="BROKEN")
    assert stopped_early(broken, most=100) is broken
    nothing_to_train = replace(short, facts={})
    assert stopped_early(nothing_to_train, most=0) is nothing_to_train
