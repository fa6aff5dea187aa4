import numpy as np
import pytest

from pixelveil.errors import UnsupportedModelError, UsageError
from pixelveil.keys import Key
from pixelveil.models.layout import Embedding, Layout
from pixelveil.models.planning import check_statistics, shared_plan, size_of, undo_of
from pixelveil.plans import AffinePlan, ForwardPlan, LanePlan, Operation
from pixelveil.schemes import create_scheme

LAYOUT = Layout(embedding=Embedding("w", "b", 4, 3), image_size=(8, 12))
LANES = 4 * 4 * 3


def plan(*, lanes=LANES, **parts):
    """A plan of one matrix that is no signed permutation."""
    return AffinePlan(matrix=2 * np.eye(lanes), **parts)


def lanes(side, *, source=None, **parts):
    """A lane plan in square blocks."""
    return LanePlan(source=np.arange(side * side * 3) if source is None else source, block_size=side, **parts)


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
        (plan(block_order=np.roll(np.arange(5), 1)), "5 blocks of 48 values; images of 8x12x3 have 6 of 48"),
        (plan(offset=np.zeros((5, LANES))), "5 blocks of 48"),
        (AffinePlan(matrix=np.stack([2 * np.eye(LANES)] * 5)), "maps for 5 blocks; the image has 6"),
        (AffinePlan(matrix=np.stack([np.eye(LANES)] * 2)[:, None]), "differs from image to image"),
        (LanePlan(source=np.stack([np.arange(LANES)] * 2)[:, None], block_size=4), "differs from image to image"),
        (plan(lanes=16 * 16 * 3), "blocks of 16x16 do not fit patches of 4x4"),
        (plan(lanes=3 * 3 * 3), "blocks of 3x3 do not fit"),
        (plan(lanes=2 * 2 * 3, block_order=np.roll(np.arange(24), 1)), "2x2 are moved between patches of 4x4"),
        (lanes(2, block_order=np.roll(np.arange(24), 1)), "2x2 are moved between patches.*block_size=4"),
        (lanes(2, choice=np.arange(23) % 2, source=[np.arange(12)] * 2), "23 blocks of 12 values.*have 24 of 12"),
        (LanePlan(source=np.roll(np.arange(288), 1)), "values are moved between patches"),
        (LanePlan(source=np.roll(np.arange(192), 3), block_size=8), "8x8 do not divide an image of 8x12"),
        (LanePlan(source=np.zeros(LANES, int), block_size=4), "loses values"),
        (LanePlan(source=np.arange(LANES), block_order=[0, 0, 2, 3, 4, 5], block_size=4), "loses values"),
        (AffinePlan(matrix=np.eye(16), channels=1), "for 1 channels|16 values"),
        (AffinePlan(matrix=2 * np.eye(16), channels=1), "16 values"),
        (AffinePlan(matrix=np.ones((LANES, LANES))), "singular"),
        (ForwardPlan(parts=(Operation("blurring", np.asarray),)), "blurring is not an invertible affine map"),
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


@pytest.mark.parametrize("policy", ["derived", "ephemeral"])
def test_a_plan_per_image_cannot_be_absorbed(policy):
    scheme = create_scheme("vit-permutation", block_size=4, key_policy=policy)
    with pytest.raises(UnsupportedModelError, match="plan for each image"):
        shared_plan(scheme, key=Key.generate(), size=(8, 12), channels=3, client="")


def test_a_scheme_without_a_key_cannot_be_absorbed():
    with pytest.raises(UnsupportedModelError, match="masked-image has no key"):
        shared_plan(create_scheme("masked-image"), key=Key.generate(), size=(32, 32), channels=3, client="")


def test_planes_laid_side_by_side_cannot_be_absorbed():
    with pytest.raises(UnsupportedModelError, match="32x32x3 into images of another shape, 32x96x1"):
        shared_plan(create_scheme("etc-gray"), key=Key.generate(), size=(32, 32), channels=3, client="")


@pytest.mark.parametrize("form", ["signed", "dense"])
def test_a_model_in_a_form_for_keys_by_position_stays_in_it(form):
    """A key may by chance be the same for all blocks; the stem must still fit the model."""
    assert undo_of(lanes(4, source=np.roll(np.arange(48), 1)), layout=LAYOUT.in_form(form)).form == form
    assert undo_of(plan(), layout=LAYOUT.in_form(form)).form == form
    assert undo_of(plan(), layout=LAYOUT).form == "shared"


def test_padded_images_cannot_be_absorbed():
    scheme = create_scheme("vit-permutation", block_size=5)
    with pytest.raises(UnsupportedModelError, match="another shape"):
        shared_plan(scheme, key=Key.generate(), size=(8, 12), channels=3, client="")


@pytest.mark.parametrize(
    "refused",
    [
        LanePlan(source=np.arange(24), lane="nibble", block_size=2),
        LanePlan(source=np.arange(12), flip=np.full(12, 15), block_size=2),
    ],
)
def test_plans_that_are_not_affine_are_refused(refused):
    with pytest.raises(UnsupportedModelError, match=r"no patch embedding can absorb this plan: .* not affine"):
        undo_of(refused, layout=LAYOUT)


def test_clients_have_plans_of_their_own():
    scheme, key = create_scheme("vit-permutation", block_size=4), Key.generate()
    plans = [shared_plan(scheme, key=key, size=(8, 12), channels=3, client=name) for name in ("", "a", "b", "a")]
    matrices = [made.to_affine().matrix for made in plans]
    assert np.array_equal(matrices[1], matrices[3])
    assert not any(np.array_equal(matrices[a], matrices[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
