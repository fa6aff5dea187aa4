"""Figures that need a file of the user's: in every cell of an attack with their control, and in no verdict."""

import json

import numpy as np
import pytest

from pixelveil.attacks.intervals import of_share
from pixelveil.audit.extra import ExtraMeasure, extra_figures, public_recognition, recognition_measure
from pixelveil.audit.grid import Grid
from pixelveil.audit.images import ReadImages, divide
from pixelveil.audit.job import AuditSettings, run_audit
from pixelveil.audit.trial import AttackTrial
from pixelveil.errors import UsageError


def classify(images):
    """The brightest quarter."""
    return (
        images.reshape(len(images), 2, -1, 2, images.shape[2] // 2 * 3).mean(axis=(2, 4)).reshape(-1, 4).argmax(axis=1)
    )


@pytest.fixture
def recognition(tmp_path):
    (tmp_path / "best").write_bytes(b"weights")
    return recognition_measure(classify, checkpoint=tmp_path / "best")


@pytest.fixture
def distance():
    def apart(images, plain):
        return np.abs(images.astype(float) - plain).mean(axis=(1, 2, 3))

    return ExtraMeasure(name="lpips", measure=apart, digest="some")


def test_every_figure_comes_with_its_control(recognition, distance, fakes):
    plain, noise = fakes.pictures(40), fakes.pictures(40, seed=5)
    found = extra_figures([distance, recognition], found=plain, noise=noise, plain=plain)
    assert set(found) == {"lpips", "lpips_control", "recognition", "recognition_control"}
    assert found["recognition"] == of_share(40, 40)
    assert found["recognition_control"] == of_share(int(np.sum(classify(noise) == classify(plain))), 40)
    assert (found["lpips"].value, found["lpips_control"].value) == (0, distance.measure(noise, plain).mean())
    assert found["lpips_control"].low < found["lpips_control"].value < found["lpips_control"].high


def test_a_single_victim_has_an_interval_without_ends(distance, fakes):
    assert distance.figure(fakes.pictures(1), fakes.pictures(1)).low == -np.inf


@pytest.fixture
def fill(scheme, images, fakes, tmp_path):
    def run(*extra):
        trials = [
            AttackTrial(attack=attack, positives=fakes.positives) for attack in (fakes.Folding(), fakes.Constant())
        ]
        grid = Grid(scheme=scheme, images=images, trials=trials, extra=extra, folder=tmp_path / "cells", facts={})
        return {cell.attack: cell for cell in grid.fill()}

    return run


def test_cells_hold_them_and_verdicts_stay(fill, recognition, distance):
    plain, cells = fill(), fill(recognition, distance)
    assert {name: cell.verdict for name, cell in cells.items()} == {name: cell.verdict for name, cell in plain.items()}
    assert cells["folding"].recognition.value == 1.0
    assert cells["folding"].recognition_control.value < 0.6
    assert cells["folding"].lpips.value == 0 < cells["folding"].lpips_control.value
    assert cells["constant"].recognition.value < 0.6
    assert plain["folding"].lpips is None


def test_another_file_is_another_question(fill, recognition, distance, tmp_path):
    (tmp_path / "other").write_bytes(b"others")
    other = recognition_measure(classify, checkpoint=tmp_path / "other")
    assert other.digest != recognition.digest
    digests = [fill(*extra)["folding"].digest for extra in [(), (distance,), (recognition,), (other,)]]
    assert len(set(digests)) == 4


def test_the_report_shows_them_where_there_are_any(scheme, fakes, tmp_path, recognition):
    np.savez(tmp_path / "pictures.npz", x=fakes.pictures(240))
    trials = [AttackTrial(attack=fakes.Folding(), positives=fakes.positives)]

    def page(*extra):
        settings = AuditSettings(victims=60, seconds=30.0)
        run_audit(
            scheme, data=tmp_path / "pictures.npz", out=tmp_path / "a", settings=settings, trials=trials, extra=extra
        )
        return (tmp_path / "a" / "report.html").read_text()

    assert "Networks on reconstructions" not in page()
    assert "Networks on reconstructions" in page(recognition)
    assert json.loads((tmp_path / "a" / "report.json").read_text())["cells"][0]["recognition"]["value"] == 1.0


def test_what_cannot_be_measured_is_told_before_any_attack_runs(scheme, fakes, tmp_path):
    def small(images, plain):
        raise UsageError("these images are too small for it")

    np.savez(tmp_path / "pictures.npz", x=fakes.pictures(240))
    with pytest.raises(UsageError, match="too small for it"):
        run_audit(
            scheme,
            data=tmp_path / "pictures.npz",
            out=tmp_path / "a",
            trials=[AttackTrial(attack=fakes.Folding(), positives=fakes.positives)],
            extra=[ExtraMeasure(name="lpips", measure=small, digest="")],
        )
    assert not (tmp_path / "a" / "cells").exists()


def reddish(images):
    """More red than blue: that can be learned from few."""
    return (images[..., 0].mean(axis=(1, 2)) > images[..., 2].mean(axis=(1, 2))).astype(int)


def labeled(fakes, count=200):
    pictures = fakes.pictures(count)
    return divide(ReadImages(images=list(pictures), labels=reddish(pictures).tolist()), victims=50)


def test_labels_of_public_images_are_theirs(fakes):
    images = labeled(fakes)
    assert (images.public_labels == reddish(images.public)).all()
    assert (images.labels == reddish(images.encrypted)).all()


def test_the_attacker_may_train_on_public_images(fakes, images, scheme, tmp_path):
    found = public_recognition(labeled(fakes))
    victims = labeled(fakes).victims
    assert found.figure(victims, victims).value == 1.0
    assert found.figure(fakes.pictures(len(victims), seed=9), victims).value < 0.75
    assert public_recognition(labeled(fakes, count=180)).digest != found.digest
    with pytest.raises(UsageError, match="needs labels"):
        public_recognition(images)
    pictures = fakes.pictures(240)
    np.savez(tmp_path / "pictures.npz", x=pictures, y=reddish(pictures))
    audit = run_audit(
        scheme,
        data=tmp_path / "pictures.npz",
        out=tmp_path / "a",
        settings=AuditSettings(victims=60, seconds=30.0, public_classifier=True),
        trials=[AttackTrial(attack=fakes.Folding(), positives=fakes.positives)],
    )
    assert audit.cells[0].recognition == of_share(60, 60)
