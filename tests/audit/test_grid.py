"""Cells are written one by one, kept, done again where something changed, and never dropped."""

import json

import numpy as np
import pytest

from pixelveil.audit.cell import cell_from_json
from pixelveil.audit.grid import Grid
from pixelveil.audit.trial import AttackTrial
from pixelveil.errors import UsageError
from pixelveil.schemes import create_scheme

FACTS = {"machine": {"cores": 1}, "commit": "abc", "versions": {"python": "3"}, "command": "pixelveil audit"}


@pytest.fixture
def grid(tmp_path, scheme, images, fakes):
    def make(*attacks, **changes):
        options = {
            "scheme": scheme,
            "images": images,
            "trials": [AttackTrial(attack=attack, positives=fakes.positives) for attack in attacks],
            "seconds": 60.0,
            "folder": tmp_path / "cells",
            "facts": FACTS,
            **changes,
        }
        return Grid(**options)

    return make


def counted(attack, runs):
    """The same attack, counting its runs."""

    class Counted(type(attack)):
        def run(self, evidence, *, budget=None, advance=None):
            runs.append(self.name)
            return super().run(evidence, budget=budget, advance=advance)

    return Counted()


def test_one_file_a_cell(grid, fakes, tmp_path):
    cells = grid(fakes.Folding(), fakes.Constant(), fakes.OnlyLe()).fill()
    assert {cell.attack: cell.verdict for cell in cells} == {
        "folding": "BROKEN",
        "constant": "NO LEAK FOUND",
        "only-le": "NOT APPLICABLE",
    }
    for cell in cells:
        content = json.loads((tmp_path / "cells" / f"{cell.attack}.json").read_text())
        assert cell_from_json(content, source="") == cell
        assert content["machine"] == {"cores": 1}
    obstacle = next(cell for cell in cells if cell.attack == "only-le")
    assert obstacle.criterion == "it knows pixel-based schemes alone"
    assert (obstacle.images, obstacle.ssim, obstacle.controls) == (0, None, {})


def test_what_is_done_is_not_done_again(grid, fakes):
    runs = []
    first = grid(counted(fakes.Folding(), runs), counted(fakes.Constant(), runs)).fill()
    # With control and positive control each attack runs three times.
    assert runs == ["folding"] * 3 + ["constant"] * 3
    assert grid(counted(fakes.Folding(), runs), counted(fakes.Constant(), runs)).fill() == first
    assert len(runs) == 6


@pytest.mark.parametrize("change", ["seed", "seconds", "images", "positives"])
def test_what_was_decided_otherwise_is_done_again(grid, fakes, images, change):
    from pixelveil.audit.images import ReadImages, divide

    runs = []
    grid(counted(fakes.Folding(), runs)).fill()
    trial = AttackTrial(
        attack=counted(fakes.Folding(), runs), positives={} if change == "positives" else fakes.positives
    )
    changes = {
        "seed": {"seed": 1},
        "seconds": {"seconds": 61.0},
        "images": {"images": divide(ReadImages(images=list(fakes.pictures(239))), victims=59)},
        "positives": {},
    }[change]
    grid(trials=[trial], **changes).fill()
    assert len(runs) > 3


def test_an_interrupted_audit_goes_on(grid, fakes):
    runs = []

    class Interrupted(fakes.Constant):
        def run(self, evidence, *, budget=None, advance=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grid(counted(fakes.Folding(), runs), Interrupted()).fill()
    assert len(runs) == 3
    cells = grid(counted(fakes.Folding(), runs), counted(fakes.Constant(), runs)).fill()
    assert runs == ["folding"] * 3 + ["constant"] * 3
    assert [cell.verdict for cell in cells] == ["BROKEN", "NO LEAK FOUND"]


def test_failures_are_shown_with_their_reason_and_tried_again(grid, fakes):
    cells = grid(fakes.Stumbling(), fakes.Folding()).fill()
    failed = {cell.attack: cell for cell in cells}["stumbling"]
    assert failed.failed == "these images are not to its taste"
    assert failed.verdict == "INCONCLUSIVE"

    class Mended(fakes.Folding):
        name = "stumbling"

    again = {cell.attack: cell for cell in grid(Mended(), fakes.Folding()).fill()}["stumbling"]
    assert (again.failed, again.verdict) == ("", "BROKEN")


def test_what_does_not_end_is_stopped_and_the_rest_still_runs(grid, fakes):
    cells = {cell.attack: cell for cell in grid(fakes.Endless(), fakes.Folding(), seconds=6.0, least=0.0).fill()}
    assert "did not end" in cells["endless"].failed
    assert cells["endless"].verdict == "INCONCLUSIVE"
    assert cells["folding"].verdict == "BROKEN"


def test_what_has_no_time_left_is_said(grid, fakes):
    (cell,) = grid(fakes.Folding(), seconds=1e-9).fill()
    assert "the time was up" in cell.failed


def test_a_numerical_failure_is_a_failure_and_a_bug_is_a_bug(grid, fakes):
    class Singular(fakes.Folding):
        def run(self, evidence, *, budget=None, advance=None):
            raise np.linalg.LinAlgError("singular matrix")

    class Buggy(fakes.Folding):
        def run(self, evidence, *, budget=None, advance=None):
            return [][0]

    class Large(fakes.Folding):
        def run(self, evidence, *, budget=None, advance=None):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    class Wrong(fakes.Folding):
        def run(self, evidence, *, budget=None, advance=None):
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    assert grid(Singular()).fill()[0].failed == "singular matrix"
    assert "can't allocate memory" in grid(Large()).fill()[0].failed
    with pytest.raises(RuntimeError, match="shapes"):
        grid(Wrong()).fill()
    with pytest.raises(IndexError):
        grid(Buggy()).fill()


def test_a_folder_of_another_scheme_is_not_overwritten(grid, fakes):
    grid(fakes.Folding()).fill()
    with pytest.raises(UsageError, match="--out"):
        grid(fakes.Folding(), scheme=create_scheme("skk")).fill()


def test_pictures_are_kept_made_up_for_and_taken_away(grid, fakes, tmp_path):
    runs = []
    path = tmp_path / "cells" / "folding.pictures"
    grid(counted(fakes.Folding(), runs), pictures=False).fill()
    assert not path.exists()
    grid(counted(fakes.Folding(), runs)).fill()
    assert path.exists()
    assert len(runs) == 6
    grid(counted(fakes.Folding(), runs), pictures=False).fill()
    assert not path.exists()
    assert len(runs) == 6


def test_pictures_of_attacks_that_are_not_asked_for_go_too(grid, fakes, tmp_path):
    grid(fakes.Folding(), fakes.Constant()).fill()
    assert len(list((tmp_path / "cells").glob("*.pictures"))) == 2
    grid(fakes.Constant(), pictures=False).fill()
    assert list((tmp_path / "cells").glob("*.pictures")) == []


def test_an_obstacle_that_is_gone_is_not_remembered(grid, fakes):
    """Such as a package that was not installed."""

    class Obstructed(fakes.Folding):
        def obstacle(self, scheme):
            return "something is not installed"

    (before,) = grid(Obstructed(), pictures=False).fill()
    (after,) = grid(fakes.Folding(), pictures=False).fill()
    assert before.digest == after.digest
    assert (before.verdict, after.verdict) == ("NOT APPLICABLE", "BROKEN")


def test_curves_are_cells_too(grid, fakes):
    cells = grid(fakes.Growing(), fakes.Folding(), lifetime=True).fill()
    points = [cell for cell in cells if cell.kind == "lifetime"]
    assert [cell.images for cell in points] == [2, 5, 10, 20, 50, 144]
    assert [cell.verdict for cell in points] == ["NO LEAK FOUND"] * 3 + ["BROKEN"] * 3
    assert points[0].name == "growing@2"
    runs = []
    assert grid(counted(fakes.Growing(), runs), fakes.Folding(), lifetime=True).fill() == cells
    assert runs == []


def test_progress_names_every_cell(grid, fakes):
    from contextlib import contextmanager

    seen = []

    @contextmanager
    def stage(name):
        seen.append(name)
        yield lambda done, total: None

    grid(fakes.Folding(), fakes.OnlyLe(), fakes.Constant()).fill(stage=stage)
    assert seen == ["1/2 folding", "2/2 constant"]
