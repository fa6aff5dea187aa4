"""Games as cells: won, lost, without control, without labels."""

from typing import ClassVar

import pytest

from pixelveil.attacks.games.game import Game, result_of
from pixelveil.audit.bench import Bench
from pixelveil.audit.game_trial import GameTrial
from pixelveil.audit.positive import GamePositive
from pixelveil.audit.report import render
from pixelveil.audit.result import Audit


class Guessing(Game):
    name: ClassVar[str] = "guessing"
    title: ClassVar[str] = "Guess the image"
    citation: ClassVar[str] = "these tests"
    access: ClassVar[str] = "ciphertexts"
    cost: ClassVar[str] = "nothing"
    scale: ClassVar[str] = "identification"
    wins_on: ClassVar[tuple[str, ...]] = ("skk",)
    cheats: ClassVar[bool] = False

    def obstacle(self, scheme):
        return "" if scheme.name in ("skk", "smkk") else "it knows pixel-based schemes alone"

    def play(self, scheme, deck, *, budget=None, advance=None):
        trials = len(deck.images)
        wins = scheme.name in self.wins_on and (self.cheats or not deck.noise)
        return result_of("guessing", "identification", hits=trials if wins else 0, trials=trials, chance=1 / trials)


POSITIVES = {"guessing": GamePositive(scheme="skk", least=0.9)}


@pytest.fixture
def bench(scheme, images):
    return Bench(scheme=scheme, images=images)


def test_a_game_that_is_won_breaks_the_scheme(bench):
    found = GameTrial(game=Guessing(), positives=POSITIVES).run(bench, seconds=9)
    assert found.verdict == "BROKEN"
    assert found.figures["success"].value == found.figures["reidentification"].value == 1.0
    assert found.figures["success_control"].value == 0.0
    assert (found.victims, found.gallery) == (144, 144)
    assert found.chance == pytest.approx(1 / 144)


def test_without_its_controls_nothing_is_proven(bench):
    class Losing(Guessing):
        wins_on = ()

    class Cheating(Guessing):
        cheats = True

    assert GameTrial(game=Guessing(), positives={}).run(bench, seconds=9).verdict == "INCONCLUSIVE"
    assert GameTrial(game=Losing(), positives=POSITIVES).run(bench, seconds=9).verdict == "INCONCLUSIVE"
    cheated = GameTrial(game=Cheating(), positives=POSITIVES).run(bench, seconds=9)
    assert cheated.verdict == "INCONCLUSIVE"
    assert not cheated.negative.passed


def test_a_game_about_labels_needs_labels(scheme):
    class Labels(Guessing):
        needs_labels = True

    assert "class" in GameTrial(game=Labels()).obstacle(scheme)
    assert GameTrial(game=Labels(), labeled=True).obstacle(scheme) == ""


def test_seeds_are_a_question_of_legacy_material_alone():
    """That some programs draw keys from seeds must not break a scheme whose keys are none."""
    from pixelveil.schemes import create_scheme
    from pixelveil.schemes.legacy.material import legacy_from_seed

    class Seeds(Guessing):
        name = "seed"

        def obstacle(self, scheme):
            return ""

    scheme = create_scheme("tanaka-le")
    assert "operating system" in GameTrial(game=Seeds()).obstacle(scheme)
    legacy = scheme.bind(legacy_from_seed(scheme, seed=1, rng="numpy", shape=(16, 16, 3)))
    assert GameTrial(game=Seeds()).obstacle(legacy) == ""


def test_games_have_a_table_of_their_own(fakes, bench):
    cell = fakes.cell(
        kind="game", attack="guessing", ssim=None, ssim_control=None, chance=0.01, verdict="BROKEN", criterion="won"
    )
    audit = Audit(
        scheme={
            **{"name": "skk", "key_policy": "shared", "legacy": "", "key_bits": 1.0, "title": "", "steps": []},
            **{"parameters": {}, "protects": "", "exposes": "", "citation": ""},
        },
        data=bench.images.facts,
        cells=[cell],
        settings={"seconds": 1.0, "seed": 0, "rules": dict.fromkeys(RULES, 1.0) | {"effects": {}}},
    )
    page = render(audit, pictures={})
    assert "<h3>Games</h3>" in page
    assert "1.00 %" in page


RULES = ("victims", "confidence", "leak_chance", "serious_share", "broken_share", "broken_bound")
