import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelveil.attacks.ciphertexts.jigsaw_states import SIDES, States, turn_moves, turn_product
from pixelveil.attacks.public_images.readings import turned

ALL = States(turns=8, signs=2, orders=6)
STATE = st.integers(0, ALL.count - 1)
PIECES = np.random.default_rng(0).integers(0, 256, (1, 4, 4, 3), dtype=np.uint8)


def shown(piece, state):
    return ALL.show(piece, np.array([state]))


@given(STATE, STATE)
def test_a_product_is_first_the_second_then_the_first(first, second):
    together = ALL.product()[first, second]
    np.testing.assert_array_equal(shown(shown(PIECES, second), first), shown(PIECES, together))


@given(STATE)
def test_inverses_undo(state):
    np.testing.assert_array_equal(shown(shown(PIECES, state), ALL.inverse()[state]), PIECES)


def test_all_states_of_a_piece_differ_and_the_first_is_the_piece():
    looks = {shown(PIECES, state).tobytes() for state in range(ALL.count)}
    assert len(looks) == 96
    np.testing.assert_array_equal(shown(PIECES, 0), PIECES)


@pytest.mark.parametrize(("states", "count"), [(States(), 1), (States(turns=8, signs=2), 16), (States(orders=6), 6)])
def test_smaller_groups_are_closed(states, count):
    assert states.count == count
    assert sorted(states.product()[0]) == list(range(count))
    assert (np.sort(states.product(), axis=1) == np.arange(count)).all()


def test_turns_are_those_of_readings():
    marks = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1)
    for first, second in np.ndindex(8, 8):
        np.testing.assert_array_equal(
            turned(turned(marks, turn=second), turn=first), turned(marks, turn=int(turn_product()[first, second]))
        )


def test_sides_and_steps_move_as_pieces_turn():
    """A mark at the border of a piece is where the tables say it is."""
    for turn, side in np.ndindex(8, 4):
        picture = np.zeros((1, 5, 5, 1), np.uint8)
        picture[0, 2 + 2 * SIDES[side][0], 2 + 2 * SIDES[side][1]] = 1
        place = np.argwhere(turned(picture, turn=turn)[0, :, :, 0])[0] - 2
        assert tuple(place // 2) == SIDES[turn_moves()[turn, side]]
        step = States(turns=8).matrices()[turn] @ np.array(SIDES[side])
        assert tuple(step) == SIDES[turn_moves()[turn, side]]


def test_what_looks_at_a_neighbor():
    """In state 0 the left side looks at the neighbor that it is to the right of."""
    assert ALL.facing()[0].tolist() == [2, 3, 0, 1]
    for state, side in np.ndindex(ALL.count, 4):
        assert ALL.moves()[state, ALL.facing()[state, side]] == (side + 2) % 4
