import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelveil.errors import UsageError
from pixelveil.plans import AffinePlan, LanePlan
from pixelveil.plans.signed import signed_from_affine, signed_from_lanes


def random_lanes(rng, *, side, channels, grid, per_block=True, order=True):
    """A lane plan whose maps are drawn one by one."""
    lanes, blocks = side * side * channels, grid[0] * grid[1]
    maps = blocks if per_block else 1
    return LanePlan(
        source=np.stack([rng.permutation(lanes) for _ in range(maps)]),
        flip=rng.choice(np.array([0, 255], np.uint8), (maps, lanes)),
        block_size=side,
        block_order=rng.permutation(blocks) if order else None,
        choice=rng.permutation(blocks) if per_block else None,
        grid=grid,
    )


def dense_plan(maps, channels):
    """The same as an affine plan: small cases only."""
    matrix, offset = maps.dense()
    shared = len(matrix) == 1
    return AffinePlan(
        matrix=matrix[0] if shared else matrix,
        offset=offset[0] if shared else offset,
        block_order=maps.block_order,
        channels=channels,
    )


DRAWN = {
    "seed": st.integers(0, 2**32 - 1),
    "side": st.integers(1, 3),
    "channels": st.sampled_from([1, 3]),
    "grid": st.tuples(st.integers(1, 3), st.integers(1, 3)),
    "per_block": st.booleans(),
    "order": st.booleans(),
}


@settings(max_examples=40, deadline=None)
@given(**DRAWN)
def test_signed_permutations_are_the_dense_map(seed, side, channels, grid, per_block, order):
    rng = np.random.default_rng(seed)
    plan = random_lanes(rng, side=side, channels=channels, grid=grid, per_block=per_block, order=order)
    shape = (grid[0] * side, grid[1] * side, channels)
    maps = signed_from_lanes(plan, shape=shape)
    affine = plan.to_affine()
    matrix, offset = maps.dense()
    np.testing.assert_array_equal(matrix.squeeze(), affine.matrix.squeeze())
    np.testing.assert_array_equal(offset.squeeze(), affine.offset.squeeze())
    again = signed_from_affine(affine)
    for name in ("index", "sign", "offset"):
        np.testing.assert_array_equal(getattr(again, name), getattr(maps, name))
    image = rng.integers(0, 256, shape).astype(np.uint8)
    patches = maps.in_patches(shape=shape, side=side)
    np.testing.assert_array_equal(dense_plan(patches, channels).apply(image), plan.apply(image))


@settings(max_examples=40, deadline=None)
@given(**DRAWN, factor=st.integers(1, 3), inner=st.booleans())
def test_blocks_inside_patches_are_joined_to_one_map_each(seed, side, channels, grid, per_block, order, factor, inner):
    """Blocks are mapped, moved inside their patch, then patches are moved: what patch-wise plans of two sizes do."""
    rng = np.random.default_rng(seed)
    small_grid = (grid[0] * factor, grid[1] * factor)
    small = random_lanes(rng, side=side, channels=channels, grid=small_grid, per_block=per_block, order=False)
    large = random_lanes(rng, side=side * factor, channels=channels, grid=grid, per_block=inner, order=order)
    shape = (small_grid[0] * side, small_grid[1] * side, channels)
    image = rng.integers(0, 256, shape).astype(np.uint8)
    plan = small.compose(large)
    maps = signed_from_lanes(plan, shape=shape).in_patches(shape=shape, side=side * factor)
    np.testing.assert_array_equal(dense_plan(maps, channels).apply(image), large.apply(small.apply(image)))


def test_a_block_order_that_stays_inside_patches_is_part_of_their_maps():
    order = np.array([1, 0, 6, 7, 4, 5, 2, 3])  # 2x4 blocks of one pixel; columns 2 and 3 change rows
    plan = LanePlan(source=np.arange(3), block_size=1, block_order=order)
    image = np.random.default_rng(0).integers(0, 256, (2, 4, 3)).astype(np.uint8)
    maps = signed_from_lanes(plan, shape=(2, 4, 3)).in_patches(shape=(2, 4, 3), side=2)
    assert maps.block_order is None
    np.testing.assert_array_equal(dense_plan(maps, 3).apply(image), plan.apply(image))
    assert not maps.shared


def test_larger_blocks_that_move_whole_patches_are_cut():
    """A block of 4x4 turned by 90 degrees is four patches of 2x2, each turned and moved."""
    turn = np.rot90(np.arange(48).reshape(4, 4, 3)).reshape(-1)
    plan = LanePlan(source=turn, block_size=4)
    image = np.random.default_rng(0).integers(0, 256, (4, 8, 3)).astype(np.uint8)
    maps = signed_from_lanes(plan, shape=(4, 8, 3)).in_patches(shape=(4, 8, 3), side=2)
    assert maps.shared
    assert maps.block_order is not None
    np.testing.assert_array_equal(dense_plan(maps, 3).apply(image), plan.apply(image))


def test_a_plan_of_the_whole_image_is_cut_where_it_keeps_patches_together():
    rng = np.random.default_rng(0)
    small = random_lanes(rng, side=2, channels=3, grid=(2, 3))
    image = rng.integers(0, 256, (4, 6, 3)).astype(np.uint8)
    numbers = np.arange(72).reshape(4, 6, 3)
    source = numbers.reshape(2, 2, 3, 2, 3).transpose(0, 2, 1, 3, 4).reshape(6, 12)
    whole = np.empty(72, int)
    whole[source] = np.take_along_axis(source[small.block_order[0]], small.source[0][small.choice[0]], 1)
    plan = LanePlan(source=whole)
    maps = signed_from_lanes(plan, shape=(4, 6, 3)).in_patches(shape=(4, 6, 3), side=2)
    np.testing.assert_array_equal(dense_plan(maps, 3).apply(image), plan.apply(image))
    np.testing.assert_array_equal(maps.block_order, small.block_order[0])


@settings(max_examples=30, deadline=None)
@given(**DRAWN)
def test_to_first_gives_what_the_map_of_the_first_block_would_have_given(seed, side, channels, grid, per_block, order):
    rng = np.random.default_rng(seed)
    plan = random_lanes(rng, side=side, channels=channels, grid=grid, per_block=per_block, order=order)
    shape = (grid[0] * side, grid[1] * side, channels)
    maps = signed_from_lanes(plan, shape=shape).in_patches(shape=shape, side=side)
    (matrices, offsets), (turns, shifts) = maps.dense(), maps.to_first().dense()
    x = rng.uniform(0, 255, matrices.shape[1])
    for matrix, offset, turn, shift in zip(matrices, offsets, turns, shifts, strict=True):
        np.testing.assert_allclose(turn @ (matrix @ x + offset) + shift, matrices[0] @ x + offsets[0], atol=1e-9)
    np.testing.assert_array_equal(turns[0], np.eye(len(x)))


@pytest.mark.parametrize(
    "other",
    [np.eye(3) * 2, np.ones((3, 3)), [[0, 1, 0], [0, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 0], [0, 0, 0.5]]],
)
def test_other_matrices_are_no_signed_permutations(other):
    assert signed_from_affine(AffinePlan(matrix=other)) is None
    assert signed_from_affine(AffinePlan(matrix=np.stack([np.eye(3), np.asarray(other, float)]))) is None


def test_offsets_by_block_alone_make_maps_by_block():
    maps = signed_from_affine(AffinePlan(matrix=np.eye(3), offset=np.arange(6.0).reshape(2, 3)))
    assert maps.index.shape == (2, 3)
    assert not maps.shared


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (LanePlan(source=np.arange(24), lane="nibble", block_size=2), "half bytes"),
        (LanePlan(flip=np.full(12, 15), block_size=2), "other than 0 or 255"),
        (LanePlan(source=np.arange(12)[None, None].repeat(2, 0), block_size=2), "image to image"),
    ],
)
def test_lane_plans_that_are_no_signed_permutations_are_refused(plan, reason):
    with pytest.raises(UsageError, match=reason):
        signed_from_lanes(plan, shape=(4, 4, 3))


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (LanePlan(source=np.arange(3), block_size=1, block_order=np.roll(np.arange(16), 1)), "1x1 are moved between"),
        (LanePlan(source=np.roll(np.arange(48), 1), block_size=4), "4x4 do not fit patches of 2x2"),
        (LanePlan(source=np.roll(np.arange(48), 1)), "values are moved between patches of 2x2"),
        (LanePlan(source=np.roll(np.arange(27), 1), block_size=3), "do not divide"),
        (LanePlan(source=np.arange(12), block_size=2, block_order=[1, 0]), "2 blocks of 12 values.* have 4 of 12"),
        (LanePlan(source=np.arange(4), block_size=2), "1 blocks of 4 values; images of 4x4x3 have 4 of 12"),
        (LanePlan(source=np.zeros(12, int), block_size=2), "loses values"),
        (LanePlan(source=np.arange(12), block_size=2, block_order=[0, 0, 1, 2]), "loses values"),
    ],
)
def test_plans_that_do_not_stay_inside_patches_are_refused(plan, reason):
    with pytest.raises(UsageError, match=reason):
        signed_from_lanes(plan, shape=(4, 4, 3)).in_patches(shape=(4, 4, 3), side=2)


def test_the_key_is_not_shown():
    assert repr(signed_from_lanes(LanePlan(source=[2, 0, 1]), shape=(1, 1, 3))) == (
        "SignedPermutations(1 maps of 3 values)"
    )
