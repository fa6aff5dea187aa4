import numpy as np
import pytest

from pixelveil.attacks.measures.assembly import direct_comparison, largest_component, neighbor_comparison
from pixelveil.errors import UsageError

RIGHT = np.arange(12).reshape(3, 4)


def figures(found):
    measures = direct_comparison, neighbor_comparison, largest_component
    return tuple(round(float(measure(found)), 4) for measure in measures)


def test_a_solved_puzzle():
    assert figures(RIGHT) == (1, 1, 1)


def test_a_shifted_puzzle_has_no_piece_in_its_place_but_most_neighbors():
    assert figures(np.roll(RIGHT, 1, axis=1)) == (0, round((6 + 8) / 17, 4), 0.75)
    assert figures(np.roll(RIGHT, 1, axis=0)) == (0, round((9 + 4) / 17, 4), round(8 / 12, 4))


def test_two_pieces_exchanged():
    found = RIGHT.copy()
    found[0, 0], found[2, 3] = RIGHT[2, 3], RIGHT[0, 0]
    assert figures(found) == (round(10 / 12, 4), round(13 / 17, 4), round(10 / 12, 4))


def test_the_end_of_a_row_is_no_neighbor_of_the_next_row():
    assert figures(np.array([[3, 4], [-1, -1], [-1, -1]])) == (0, 0, round(1 / 6, 4))
    assert figures(np.array([[1, 2], [-1, -1]])) == (0, 0, 0.25)


def test_pieces_that_lie_wrong_count_for_nothing():
    assert figures(np.full((3, 4), -1)) == (0, 0, round(1 / 12, 4))


def test_batches_and_a_single_piece():
    stacked = np.stack([RIGHT, np.roll(RIGHT, 1, axis=1)])
    np.testing.assert_allclose(largest_component(stacked), [1, 0.75])
    np.testing.assert_allclose(neighbor_comparison(stacked), [1, 14 / 17])
    assert figures(np.array([[0]])) == (1, 1, 1)


def test_chance():
    """Of N pieces at random one lies right, on average."""
    generator = np.random.default_rng(0)
    found = np.stack([generator.permutation(100).reshape(10, 10) for _ in range(400)])
    assert direct_comparison(found).mean() == pytest.approx(0.01, abs=0.003)
    assert neighbor_comparison(found).mean() == pytest.approx(0.009, abs=0.003)


@pytest.mark.parametrize("found", [np.zeros(3, int), np.zeros((2, 2)), np.array([[4, 0], [1, 2]]), np.array([[-2, 0]])])
def test_other_grids_are_refused(found):
    with pytest.raises(UsageError):
        direct_comparison(found)
