import csv

import numpy as np
import pytest

claims = pytest.importorskip("benchmarks.attack_claims", reason="benchmarks are run in a checkout")

from pixelveil.attacks import ATTACKS  # noqa: E402 - after the check for a checkout
from pixelveil.attacks.games import GAMES  # noqa: E402
from pixelveil.schemes import SCHEMES, create_scheme  # noqa: E402


def test_every_claim_names_what_is_in_the_catalogues():
    for claim in claims.CLAIMS:
        for name, scheme, parameters, _ in (*claim["claimed"], *claim["stronger"]):
            assert name in ATTACKS or name in GAMES
            assert create_scheme(scheme, **parameters).name in SCHEMES
    assert set(claims.LITERAL) <= {claim["claim"] for claim in claims.CLAIMS}


def test_files_of_few_photographs_are_counted(tmp_path):
    table = tmp_path / "files.csv"
    names = ("sick", "well")
    rows = [(f"{name}-{number}.jpg", name, f"{name}{number % 2}") for name in names for number in range(5)]
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("file", "class", "source"), *rows])
    assert claims.count_sources(table) == {
        "files": 10,
        "photographs": 4,
        "photographs_by_class": {"sick": 2, "well": 2},
        "fewest_files_of_a_photograph": 2,
        "accuracy_of_recognizing_the_photograph": 1.0,
    }


def test_a_photograph_of_two_classes_cannot_be_told_by_itself(tmp_path):
    table = tmp_path / "files.csv"
    table.write_text("file,class,source\na,sick,1\nb,well,1\nc,well,1\nd,sick,2\n")
    assert claims.count_sources(table)["accuracy_of_recognizing_the_photograph"] == 0.75


def test_an_attack_that_does_not_apply_has_the_reason_and_no_figure():
    images = claims.images_of(None, victims=8, others=8)
    row = claims.measured("leading-bit", "svd-wang", {}, images=images)
    assert row["verdict"] == "NOT APPLICABLE"
    assert row["criterion"]
    assert "ssim" not in row


def test_a_row_has_figures_with_intervals_and_both_controls():
    images = claims.images_of(None, victims=8, others=8)
    row = claims.measured("leading-bit", "skk", {"shuffle": "none"}, images=images)
    assert row["ssim"]["low"] < row["ssim"]["value"] < row["ssim"]["high"]
    assert row["ssim"]["value"] > row["ssim_control"]["value"] + 0.1
    assert row["controls"]["positive"]["passed"]
    assert row["controls"]["negative"]["passed"]
    assert row["verdict"] == "INCONCLUSIVE"  # eight victims are too few


def test_known_pairs_can_be_limited():
    images = claims.images_of(None, victims=8, others=8)
    assert claims.measured("known-plaintext-lanes", "smkk", {}, images=images, keep=2)["pairs"] == 2


def test_no_image_is_in_two_roles():
    images = claims.images_of(None, victims=6, others=8)
    seen = np.concatenate([images.victims, images.helpers, images.public, images.pairs])
    assert len(np.unique(seen.reshape(len(seen), -1), axis=0)) == len(seen)
