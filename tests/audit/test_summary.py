from pixelveil.attacks.intervals import Interval
from pixelveil.audit.summary import CAN_USE, grade, lines, worst_cell


def line_of(cells, access):
    return {line.access: line for line in lines(cells)}[access]


def test_not_applicable_never_counts_as_resistance(fakes):
    cells = [fakes.cell(verdict="NOT APPLICABLE", criterion="no such blocks")]
    assert grade(cells) == "INCONCLUSIVE"
    line = line_of(cells, "ciphertexts")
    assert (line.status, line.ran, line.not_applicable) == ("not tested", 0, 1)
    assert lines([])[0].status == "not tested"


def test_the_grade_is_the_worst_applicable_cell(fakes):
    verdicts = ["NO LEAK FOUND", "NOT APPLICABLE", "LEAK", "INCONCLUSIVE"]
    cells = [fakes.cell(verdict=verdict) for verdict in verdicts]
    assert grade(cells) == "LEAK"
    assert worst_cell(cells) == cells[2]
    assert grade([cells[3]]) == "INCONCLUSIVE"


def test_of_equal_verdicts_the_one_that_reads_most_decides(fakes):
    weak = fakes.cell(attack="weak", verdict="BROKEN", ssim=Interval(0.4, 0.3, 0.5))
    strong = fakes.cell(attack="strong", verdict="BROKEN", ssim=Interval(1.0, 1.0, 1.0))
    game = fakes.cell(attack="game", verdict="BROKEN", ssim=None)
    assert worst_cell([weak, strong, game]) == strong
    assert worst_cell([]) is None


def test_points_of_curves_are_no_cells_of_the_grid(fakes):
    point = fakes.cell(kind="lifetime", verdict="BROKEN")
    assert grade([fakes.cell(), point]) == "NO LEAK FOUND"
    assert line_of([fakes.cell(), point], "ciphertexts").status == "holds"


def test_who_has_more_can_do_what_who_has_less_can(fakes):
    cells = [
        fakes.cell(attack="a", verdict="BROKEN", criterion="it was read"),
        fakes.cell(attack="b", access="pairs"),
    ]
    for access in ("ciphertexts", "public images", "pairs", "oracle", "model"):
        line = line_of(cells, access)
        assert (line.status, line.attack, line.criterion) == ("broken", "a", "it was read")
        assert line.less == (access != "ciphertexts")
    assert line_of(cells, "gradients").status == "not tested"
    for access, usable in CAN_USE.items():
        assert access in usable


def test_but_not_the_other_way_round(fakes):
    cells = [fakes.cell(attack="a"), fakes.cell(attack="b", access="pairs", verdict="LEAK")]
    assert line_of(cells, "ciphertexts").status == "holds"
    assert line_of(cells, "public images").status == "not tested"
    assert line_of(cells, "pairs").status == "leaks"
    assert line_of(cells, "oracle").status == "leaks"


def test_an_attack_that_proves_nothing_leaves_it_open(fakes):
    cells = [fakes.cell(attack="a"), fakes.cell(attack="b", verdict="INCONCLUSIVE", criterion="no control")]
    line = line_of(cells, "ciphertexts")
    assert (line.status, line.criterion, line.ran, line.undecided) == ("undecided", "b: no control", 1, 1)


def test_what_those_with_less_leave_open_is_open_for_those_with_more(fakes):
    cells = [
        fakes.cell(attack="a", verdict="INCONCLUSIVE", criterion="no control"),
        fakes.cell(attack="b", access="pairs", verdict="NO LEAK FOUND"),
    ]
    assert line_of(cells, "ciphertexts").status == "undecided"
    assert line_of(cells, "pairs").status == "undecided"
    assert line_of(cells, "model").status == "not tested"


def test_a_reference_point_decides_nothing(fakes):
    """Membership tells of a model, whatever its images; even a real cipher does not change it."""
    cells = [fakes.cell(attack="a", verdict="NO LEAK FOUND"), fakes.cell(attack="membership", verdict="LEAK")]
    assert grade(cells) == "NO LEAK FOUND"
    assert line_of(cells, "ciphertexts").status == "holds"
