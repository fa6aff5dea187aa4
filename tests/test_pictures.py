"""Pictures of the pages: composed as they should be, and made by attacks that find nothing where nothing is."""

import io

import numpy as np
import pytest
from PIL import Image

pictures = pytest.importorskip("pages.pictures", reason="pages are made in a checkout")

from pages import model_reconstructions, reconstructions  # noqa: E402 - after the check for a checkout
from pixelveil.attacks import ATTACKS  # noqa: E402
from pixelveil.attacks.stem.catalogue import MODEL_ATTACKS  # noqa: E402
from pixelveil.schemes import SCHEMES  # noqa: E402

NOISE = np.random.default_rng(0).integers(256, size=(3, 128, 128, 3), dtype=np.uint8)


def test_a_strip_of_noise_is_small_and_has_all_panels():
    data = pictures.strip(list(NOISE))
    assert len(data) < 60_000
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (3 * 128 + 2 * 4, 128)


def test_panels_of_any_kind_become_one_height():
    small, floats, gray, vectors = (
        NOISE[0, :64, :64],
        NOISE[0] * 3.5,
        NOISE[0, ..., :1],
        np.zeros((8, 8, 40), np.float32),
    )
    with Image.open(io.BytesIO(pictures.strip([small, floats, gray, vectors, None]))) as picture:
        assert picture.height == 128
        assert picture.width >= 4 * 40


def test_every_kind_names_what_exists():
    assert set(pictures._names("attacks")) == set(ATTACKS)
    assert set(pictures._names("models")) <= set(MODEL_ATTACKS)
    assert set(pictures._names("schemes")) < set(SCHEMES)
    for scheme, _, weak, strong in reconstructions.CLAIMS.values():
        assert scheme in SCHEMES
        assert {weak, strong} <= set(ATTACKS)


def test_victims_public_images_and_pairs_share_nothing():
    shown = reconstructions.views(64)
    together = np.concatenate([shown.encrypted, shown.public, shown.pairs])
    assert len(np.unique(together.reshape(len(together), -1), axis=0)) == len(together)


def test_an_attack_is_shown_on_what_it_must_break():
    shown = reconstructions.expected("leading-bit", seconds=5)
    assert shown.row["scheme"] == "skk"
    assert shown.row["edges"] > shown.row["edges_control"] + 0.5
    assert shown.reading.shape == shown.plain.shape


def test_the_attack_of_a_claim_that_does_not_apply_is_shown_and_said_so(monkeypatch):
    monkeypatch.setitem(reconstructions._FEW, "matrix", 8)
    monkeypatch.setattr(reconstructions, "_MANY_PAIRS", 4)
    weak, strong = reconstructions.claim("wang", seconds=5)
    assert weak.row["applies"] is False
    assert weak.reading.dtype == np.uint8
    assert strong.row["ssim"] > strong.row["ssim_control"] + 0.2


def test_the_server_reads_a_photograph_with_the_base():
    shown = model_reconstructions.expected("plain-tokens", seconds=5)
    assert shown.row["ssim"] > 0.95
    assert shown.row["ssim_control"] < 0.1
