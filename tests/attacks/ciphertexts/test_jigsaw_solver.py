import numpy as np
import pytest

from pixelveil.attacks import Budget
from pixelveil.attacks.ciphertexts.jigsaw_costs import pair_costs
from pixelveil.attacks.ciphertexts.jigsaw_solver import Search, assemble
from pixelveil.attacks.ciphertexts.jigsaw_states import States, turn_product
from pixelveil.attacks.measures.assembly import direct_comparison, neighbor_comparison
from pixelveil.attacks.public_images.readings import turned
from pixelveil.plans.geometry import split_blocks

TURNED = States(turns=8, signs=2, orders=6)


def waves(rows, columns, *, block=8, channels=3, seed=0):
    """A picture that goes on smoothly everywhere and is flat nowhere."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[: rows * block, : columns * block][..., None]
    tall, wide, phase = generator.uniform(0.05, 0.3, (3, 8, channels))
    parts = [np.sin(tall[k] * y + wide[k] * x + 20 * phase[k]) for k in range(8)]
    return (127.5 + 30 * np.sum(parts, axis=0)).clip(0, 255).astype(np.uint8)


def puzzle(image, states, *, block=8, seed=1):
    pieces = split_blocks(image[None], block=(block, block))[0].reshape(-1, block, block, image.shape[2])
    generator = np.random.default_rng(seed)
    order, drawn = generator.permutation(len(pieces)), generator.integers(states.count, size=len(pieces))
    return states.show(pieces[order], drawn), order, drawn


def readings(found, order, drawn, states):
    """The grid of true places in every reading; -1 where a piece lies in another state."""
    state = states.product()[found.states, drawn[found.pieces]]
    for reading in range(states.count):
        turn = int(np.flatnonzero(turn_product()[states.parts()[0][reading]] == 0)[0])
        for layer in range(len(found.pieces)):
            places = np.where(state[layer] == reading, order[found.pieces[layer]], -1)
            yield turned(places[None, :, :, None], turn=turn)[0, :, :, 0]


def solve(pieces, states, shape, **options):
    costs = pair_costs(pieces[None], states=states)
    return assemble(costs, shape=shape, states=states, generator=np.random.default_rng(0), **options)


@pytest.mark.parametrize("states", [States(), TURNED])
@pytest.mark.parametrize("shape", [(5, 5), (3, 6)])
def test_a_smooth_picture_is_put_together(states, shape):
    pieces, order, drawn = puzzle(waves(*shape), states)
    found = solve(pieces, states, shape)
    assert found.pieces.shape == (1, *shape)
    grids = [grid for grid in readings(found, order, drawn, states) if grid.shape == shape]
    assert max(float(direct_comparison(grid)) for grid in grids) == 1


@pytest.mark.parametrize("content", ["noise", "flat"])
def test_every_piece_is_used_once_whatever_they_show(content):
    noise = np.random.default_rng(3).integers(0, 256, (30, 4, 4, 3), dtype=np.uint8)
    pieces = noise if content == "noise" else np.full_like(noise, 7)
    for states in (States(), TURNED):
        found = solve(pieces, states, (5, 6), search=Search(tries=5))
        assert sorted(found.pieces.ravel()) == list(range(30))
        assert found.states.min() >= 0
        assert found.states.max() < states.count


def test_noise_has_no_neighbors():
    """Chance is one in thirty for each neighborhood."""
    noise = np.random.default_rng(4).integers(0, 256, (100, 4, 4, 3), dtype=np.uint8)
    found = solve(noise, States(), (10, 10), search=Search(tries=40))
    assert neighbor_comparison(found.pieces[0]) < 0.06
    assert found.sure < 0.5


def test_two_pictures_in_one_heap():
    """Layers: each picture comes out whole."""
    first, second = waves(4, 4, seed=0), waves(4, 4, seed=5)
    pieces, order, _ = puzzle(np.concatenate([first, second], axis=1), States())
    found = solve(pieces, States(), (4, 4), layers=2)
    # Places 0 to 3 of each row of eight are the first picture's.
    sides = {tuple(np.unique(order[layer] % 8 // 4)) for layer in found.pieces}
    assert sides == {(0,), (1,)}
    for layer in found.pieces:
        places = order[layer]
        assert (np.diff(places, axis=1) == 1).all()
        assert (np.diff(places, axis=0) == 8).all()


def test_search_lowers_the_energy_and_an_arrangement_to_begin_with_helps():
    image = pytest.importorskip("skimage.data").coffee()[100:228, 200:328]
    pieces, order, _ = puzzle(image, States())
    first = solve(pieces, States(), (16, 16), search=Search(tries=1))
    later = solve(pieces, States(), (16, 16), search=Search(tries=60))
    assert later.energy <= first.energy
    true = np.argsort(order).reshape(1, 16, 16)
    told = solve(
        pieces, States(), (16, 16), search=Search(tries=1), start=type(first)(pieces=true, states=np.zeros_like(true))
    )
    assert told.energy <= first.energy
    assert direct_comparison(order[told.pieces[0]]) > 0.95


def test_a_spent_budget_gives_one_arrangement():
    pieces, _, _ = puzzle(waves(4, 4), TURNED)
    found = solve(pieces, TURNED, (4, 4), budget=Budget(seconds=0))
    assert sorted(found.pieces.ravel()) == list(range(16))


def test_a_layer_is_turned_as_a_whole():
    pieces, _, _ = puzzle(waves(4, 4), TURNED)
    found = solve(pieces, TURNED, (4, 4))
    whole = TURNED.show(pieces[found.pieces[0].ravel()], found.states[0].ravel())
    moved = found.layer_turned(0, state=50, group=TURNED)
    again = TURNED.show(pieces[moved.pieces[0].ravel()], moved.states[0].ravel())
    picture = whole.reshape(4, 4, 8, 8, 3).swapaxes(1, 2).reshape(1, 32, 32, 3)
    expected = TURNED.show(picture, np.array([50]))
    np.testing.assert_array_equal(again.reshape(4, 4, 8, 8, 3).swapaxes(1, 2).reshape(1, 32, 32, 3), expected)
