import numpy as np
import pytest

from pixelveil.errors import UnsupportedModelError, UsageError
from pixelveil.keys import Key
from pixelveil.models.layout import Embedding, Layout
from pixelveil.models.planning import affine_of, check_statistics, shared_plan, size_of, undo_of
from pixelveil.plans import AffinePlan, LanePlan
from pixelveil.schemes import create_scheme

LAYOUT = Layout(embedding=Embedding("w", "b", 4, 3), image_size=(8, 12))
LANES = 4 * 4 * 3


def plan(*, lanes=LANES, **parts):
    return AffinePlan(matrix=np.eye(lanes), **parts)


@pytest.mark.parametrize("size", [224, (224, 224), [224, 224]])
def test_a_size_is_one_side_or_two(size):
    assert size_of(size) == (224, 224)


@pytest.mark.parametrize("size", [0, -1, (1, 2, 3), (0, 4), ()])
def test_other_sizes_are_refused(size):
    with pytest.raises(UsageError, match="image_size"):
        size_of(size)


@pytest.mark.parametrize(("mean", "std"), [((0.5,), (0.5,)), ((0.5,) * 3, (0.5, 0.0, 0.5)), ((0.5,) * 3, (0.5,) * 2)])
def test_statistics_must_fit_the_channels(mean, std):
    with pytest.raises(UsageError, match="mean and std"):
        check_statistics(mean, std, channels=3)


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (plan(lanes=48, block_order=np.roll(np.arange(5), 1)), "5 blocks; images of 8x12 have 6"),
        (AffinePlan(matrix=np.stack([np.eye(LANES)] * 6)), "one kernel per position, 6 instead of 1"),
        (plan(offset=np.zeros((6, LANES))), "one kernel per position"),
        (AffinePlan(matrix=np.stack([np.eye(LANES)] * 2)[:, None]), "differs from image to image"),
        (plan(lanes=16 * 16 * 3), "blocks of 16x16 do not fit patches of 4x4"),
        (plan(lanes=3 * 3 * 3), "blocks of 3x3 do not fit"),
        (plan(lanes=2 * 2 * 3, block_order=np.roll(np.arange(24), 1)), "moved between patches"),
        (AffinePlan(matrix=np.eye(16), channels=1), "for 1 channels"),
    ],
)
def test_plans_that_no_patch_embedding_can_follow_are_refused(refused, reason):
    with pytest.raises(UnsupportedModelError, match=reason):
        undo_of(refused, layout=LAYOUT)


def test_a_fixed_order_is_refused_only_if_blocks_move():
    fixed = Layout(embedding=LAYOUT.embedding, image_size=(8, 12), fixed="shifted windows")
    with pytest.raises(UnsupportedModelError, match=r"test 2 fails.*shifted windows.*scramble_blocks=false"):
        undo_of(plan(block_order=np.roll(np.arange(6), 1)), layout=fixed)
    assert undo_of(plan(block_order=np.arange(6)), layout=fixed).order is None
    assert undo_of(plan(), layout=fixed).order is None


def test_small_blocks_are_lifted_to_patches():
    undo = undo_of(plan(lanes=2 * 2 * 3), layout=LAYOUT)
    assert undo.matrix.shape == (LANES, LANES)


def test_the_price_of_maps_per_block_is_named():
    with pytest.raises(UnsupportedModelError, match=r"MB of float32"):
        undo_of(AffinePlan(matrix=np.stack([np.eye(LANES)] * 6)), layout=LAYOUT)


@pytest.mark.parametrize("policy", ["derived", "ephemeral"])
def test_a_plan_per_image_cannot_be_absorbed(policy):
    scheme = create_scheme("vit-permutation", block_size=4, key_policy=policy)
    with pytest.raises(UnsupportedModelError, match="plan for each image"):
        shared_plan(scheme, key=Key.generate(), size=(8, 12), channels=3, client="")


def test_padded_images_cannot_be_absorbed():
    scheme = create_scheme("vit-permutation", block_size=5)
    with pytest.raises(UnsupportedModelError, match="another shape"):
        shared_plan(scheme, key=Key.generate(), size=(8, 12), channels=3, client="")


@pytest.mark.parametrize(
    "lanes",
    [
        LanePlan(source=np.arange(24), lane="nibble", block_size=2),
        LanePlan(source=np.arange(12), flip=np.full(12, 15), block_size=2),
        LanePlan(source=np.arange(288)),
    ],
)
def test_plans_that_are_not_affine_inside_blocks_are_refused(lanes):
    with pytest.raises(UnsupportedModelError, match="no patch embedding can absorb"):
        affine_of(lanes)


def test_clients_have_plans_of_their_own():
    scheme, key = create_scheme("vit-permutation", block_size=4), Key.generate()
    plans = [shared_plan(scheme, key=key, size=(8, 12), channels=3, client=name) for name in ("", "a", "b", "a")]
    matrices = [made.matrix for made in plans]
    assert np.array_equal(matrices[1], matrices[3])
    assert not any(np.array_equal(matrices[a], matrices[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
