import numpy as np
import pytest

from pixelveil.attacks.ciphertexts.jigsaw_costs import pair_costs
from pixelveil.attacks.ciphertexts.jigsaw_states import SIDES, States
from pixelveil.plans.geometry import split_blocks

ALL = States(turns=8, signs=2, orders=6)
RANDOM = np.random.default_rng(0).integers(0, 256, (1, 5, 6, 6, 3), dtype=np.uint8)


def pieces_of(image, block):
    return split_blocks(image[None], block=(block, block))[0].reshape(1, -1, block, block, image.shape[2])


def gradient_cost(left, right, *, regularizer=1.0):
    """The Mahalanobis gradient compatibility, as it is written down."""

    def one_way(a, b):
        channels = a.shape[2]
        inside = a[:, -1] - a[:, -2]
        dummies = [np.zeros(channels)]
        for step in [*np.eye(channels), np.ones(channels)] if channels > 1 else [np.ones(1)]:
            dummies += [regularizer * step, -regularizer * step]
        inverse = np.linalg.inv(np.atleast_2d(np.cov(np.concatenate([inside, dummies]).T)))
        away = b[:, 0] - a[:, -1] - inside.mean(axis=0)
        return sum(float(step @ inverse @ step) for step in away)

    left, right = left.astype(float), right.astype(float)
    return one_way(left, right) + one_way(right[:, ::-1], left[:, ::-1])


def prediction_cost(left, right):
    left, right = left.astype(float), right.astype(float)
    forth = np.abs(2 * left[:, -1] - left[:, -2] - right[:, 0]).sum()
    return forth + np.abs(2 * right[:, 0] - right[:, 1] - left[:, -1]).sum()


def side_by_side(first, second, side):
    """Turn both so that the second is right of the first."""
    turns = {(0, 1): 0, (1, 0): 1, (0, -1): 2, (-1, 0): 3}[SIDES[side]]
    return np.rot90(first, turns), np.rot90(second, turns)


@pytest.mark.parametrize(("measure", "slow"), [("gradients", gradient_cost), ("prediction", prediction_cost)])
@pytest.mark.parametrize("channels", [1, 3])
def test_costs_are_those_of_the_formula(measure, slow, channels):
    states = ALL if channels == 3 else States(turns=8, signs=2)
    pieces = RANDOM[..., :channels]
    costs = pair_costs(pieces, states=states, measure=measure)
    for side, state in np.ndindex(4, states.count):
        other = states.show(pieces[0, 3:4], np.array([state]))[0]
        expected = slow(*side_by_side(pieces[0, 1], other, side))
        assert costs[side, 1, 3, state] == pytest.approx(expected, rel=1e-4)


def test_a_pair_costs_the_same_from_either_side():
    costs = pair_costs(RANDOM, states=ALL)
    inverse, facing = ALL.inverse(), ALL.facing()
    for side, state in np.ndindex(4, ALL.count):
        assert costs[side, 0, 4, state] == pytest.approx(costs[facing[state, side], 4, 0, inverse[state]], rel=1e-4)


def test_no_piece_is_its_own_neighbor():
    costs = pair_costs(RANDOM, states=States())
    assert np.isinf(costs[:, np.arange(5), np.arange(5)]).all()
    assert np.isfinite(costs[:, 0, 1:]).all()


def test_images_are_summed_by_their_medians():
    """An image that is twice as bright, and its borders twice as steep, counts no more."""
    both = np.concatenate([RANDOM // 2, (RANDOM // 2) * 2])
    prediction = {"states": States(), "measure": "prediction"}
    first, pooled = pair_costs(both[:1], **prediction), pair_costs(both, **prediction)
    finite = np.isfinite(first)
    ratio = pooled[finite] / first[finite]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)


def test_natural_neighbors_cost_least():
    """16-pixel blocks of photographs: the right neighbor is the cheapest of all in 80 % and more (study: 89 and 71 %).

    With 96 states there are 6,048 candidates.
    """
    image = pytest.importorskip("skimage.data").astronaut()[:256, 100:356]
    for states, least in ((States(), 0.9), (ALL, 0.85)):
        pieces = pieces_of(image, 32)
        best = pair_costs(pieces, states=states)[0].reshape(64, -1).argmin(axis=1).reshape(8, 8)
        right = np.arange(64).reshape(8, 8)[:, 1:] * states.count
        assert (best[:, :-1] == right).mean() >= least


def test_flat_pieces_cost_nothing_beside_each_other():
    costs = pair_costs(np.full((1, 4, 8, 8, 3), 90, np.uint8), states=States())
    assert costs[:, 0, 1:].max() < 1e-2
