"""The benchmarks of key lifetime, on images that are quick to attack; and the page that is made of their results."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("benchmarks.attack_lifetime", reason="benchmarks are of a checkout")

from benchmarks import attack_defenses, attack_lifetime
from benchmarks.attack_lifetime import SETTINGS, Setting, curve_of, pooled, row_of
from pixelveil.attacks import create_attack
from pixelveil.attacks.evaluate import Scores, higher
from pixelveil.schemes import SCHEMES


def smooth(count, *, side=16, seed=0):
    """Smoothed noise over its whole range: neighbors are alike, as in photographs."""
    values = np.random.default_rng(seed).normal(size=(count, side, side, 3)).cumsum(axis=1).cumsum(axis=2)
    values -= values.min(axis=(1, 2, 3), keepdims=True)
    return (255 * values / values.max(axis=(1, 2, 3), keepdims=True)).astype(np.uint8)


def test_every_curve_is_of_a_growing_attack_that_applies():
    for setting in SETTINGS:
        attack = create_attack(setting.attack)
        assert attack.grows
        assert attack.obstacle(setting.created) == ""
        assert min(setting.counts) >= attack.minimum
        assert max(setting.counts) == attack_lifetime.MOST
    shared = {name for name, kind in SCHEMES.items() if "shared" in kind.policies}
    assert {setting.scheme for setting in SETTINGS} <= shared


def test_a_curve_falls_until_nothing_is_found_and_says_from_where():
    setting = Setting(scheme="skk", attack="statistics-skk", counts=(20, 60))
    row = row_of(curve_of(setting, plain=smooth(120), public=smooth(60, seed=1)), block=1)
    assert [point["images"] for point in row["points"]] in ([20, 60], [60])
    assert row["first"]["BROKEN"] is not None
    assert row["first"]["LEAK"] <= row["first"]["SERIOUS"] <= row["first"]["BROKEN"] <= 60
    last = row["points"][-1]
    assert last["ssim"] > 0.8 > last["ssim_control"] + 0.3
    assert last["recognized"] > 0.8
    assert (last["victims"], last["keys"]) == (50, 1)
    json.dumps(row, allow_nan=False)


def test_the_higher_control_counts_for_each_measure():
    def scores(ssim, edges):
        return Scores(measures={"ssim": np.array(ssim), "edges": np.array(edges)}, images=smooth(2))

    both = higher(scores([0.1, 0.1], [0.5, 0.5]), scores([0.0, 0.4], [0.0, 0.2]))
    assert both.mean("ssim") == pytest.approx(0.2)
    assert both.mean("edges") == pytest.approx(0.5)
    assert pooled([both, both]).count == 4


def test_pairs_break_a_whitened_scheme_as_they_do_any_other():
    case = attack_defenses.Case(block=4, whitened=True, scrambled=True, images=4, attack="pairs")
    row = attack_defenses.measured(
        case, plain=smooth(12, side=32), public=smooth(5, side=32, seed=1), fitted=smooth(60, side=32, seed=2)
    )
    assert row["ssim"] > 0.95
    assert row["ssim_control"] < 0.5


def test_each_defense_stands_beside_its_absence():
    for case in attack_defenses.CASES:
        assert (
            dataclasses.replace(case, scrambled=not case.scrambled) in attack_defenses.CASES or case.attack == "pairs"
        )
        if case.attack == "neighbors":
            without = dataclasses.replace(case, whitened=False, attack="components")
            assert without in attack_defenses.CASES


def test_results_stay_with_the_page():
    """What is committed belongs together: no figure of the package is older than its measurement."""
    root = Path(__file__).resolve().parents[1]
    result = root / "benchmarks" / "results" / "attacks-lifetime.json"
    table = json.loads((root / "src" / "pixelveil" / "schemes" / "lifetime.json").read_text(encoding="utf-8"))
    if not result.exists():
        assert table["curves"] == []
        return
    from pages.lifetime import table_of

    assert table == table_of(json.loads(result.read_text(encoding="utf-8")))
