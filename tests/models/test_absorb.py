import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelveil.models.absorb import absorb, gather, lift, restore
from pixelveil.models.layout import Embedding, Gather, Layout
from pixelveil.models.planning import undo_of
from pixelveil.plans import AffinePlan, LanePlan


def random_plan(rng, *, side, channels, blocks):
    """Any invertible affine plan: a general matrix, no special structure."""
    lanes = side * side * channels
    return AffinePlan(
        matrix=rng.normal(size=(lanes, lanes)) + 3 * np.eye(lanes),
        offset=rng.uniform(-50, 300, lanes),
        block_order=rng.permutation(blocks),
        channels=channels,
    )


def tokens_of(images, tensors, *, layout, mean, std):
    """Patch tokens by brute force: cut patches one by one, flatten as the weight does, multiply."""
    embedding, (rows, columns) = layout.embedding, layout.grid
    side = embedding.patch_size
    weight = tensors["w"].double().reshape(len(tensors["w"]), -1).numpy()
    found = []
    for image in images:
        pixels = (image.astype(np.float64) / 255 - mean) / std
        for row in range(rows):
            for column in range(columns):
                patch = pixels[row * side : (row + 1) * side, column * side : (column + 1) * side]
                flat = patch.transpose(2, 0, 1) if embedding.flatten == "chw" else patch
                found.append(weight @ flat.reshape(-1))
    result = np.array(found).reshape(len(images), rows * columns, -1)
    bias = tensors["b"].numpy() if "b" in tensors else 0.0
    return result + bias + tensors["p"].numpy()[:, 1:]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    side=st.integers(1, 4),
    channels=st.sampled_from([1, 3]),
    flatten=st.sampled_from(["chw", "hwc"]),
    with_bias=st.booleans(),
    grid=st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
def test_tokens_are_those_of_the_plain_image_in_the_block_order(seed, side, channels, flatten, with_bias, grid):
    rng = np.random.default_rng(seed)
    blocks, size = grid[0] * grid[1], (grid[0] * side, grid[1] * side)
    table = Gather(name="p", axes=(1,), start=1)
    layout = Layout(
        embedding=Embedding("w", "b" if with_bias else "", side, channels, flatten),
        image_size=size,
        gathers=(table,),
        shifted=None if with_bias else table,
    )
    shape = (5, channels, side, side) if flatten == "chw" else (5, channels * side * side)
    tensors = {"w": torch.tensor(rng.normal(size=shape)), "p": torch.tensor(rng.normal(size=(1, 1 + blocks, 5)))}
    if with_bias:
        tensors["b"] = torch.tensor(rng.normal(size=5))
    mean, std = rng.uniform(0, 1, channels), rng.uniform(0.1, 1, channels)
    plan = random_plan(rng, side=side, channels=channels, blocks=blocks)
    images = rng.integers(0, 256, (2, *size, channels)).astype(np.float64)
    absorbed = absorb(tensors, layout=layout, undo=undo_of(plan, layout=layout), mean=mean, std=std)
    expected = tokens_of(images, tensors, layout=layout, mean=mean, std=std)
    found = tokens_of(plan.apply(images), absorbed, layout=layout, mean=mean, std=std)
    condition = np.linalg.cond(plan.matrix)
    np.testing.assert_allclose(found, expected[:, plan.block_order], atol=1e-12 * max(10, condition) * 10)
    assert torch.equal(absorbed["p"][:, 0], tensors["p"][:, 0]), "the class token's position must not move"


def by_block_plan(rng, kind, *, side, channels, blocks):
    """A plan that differs from block to block: signed permutations, offsets alone, or any matrices."""
    lanes = side * side * channels
    parts = {
        "block_order": rng.permutation(blocks),
        "channels": channels,
        "offset": rng.uniform(-50, 300, (blocks, lanes)),
    }
    if kind == "signed":
        eye = np.eye(lanes) * rng.choice([-1, 1], lanes)
        return AffinePlan(matrix=np.stack([eye[rng.permutation(lanes)] for _ in range(blocks)]), **parts)
    if kind == "offsets":
        return AffinePlan(matrix=rng.normal(size=(lanes, lanes)) + 3 * np.eye(lanes), **parts)
    return AffinePlan(matrix=rng.normal(size=(blocks, lanes, lanes)) + 3 * np.eye(lanes), **parts)


def by_position(images, tensors, *, layout, mean, std):
    """Patch tokens of a model with kernels by position, by brute force."""
    embedding, (rows, columns) = layout.embedding, layout.grid
    side, found = embedding.patch_size, []
    for image in images:
        pixels = (image.astype(np.float64) / 255 - mean) / std
        for j in range(rows * columns):
            row, column = divmod(j, columns)
            patch = pixels[row * side : (row + 1) * side, column * side : (column + 1) * side]
            flat = torch.tensor((patch.transpose(2, 0, 1) if embedding.flatten == "chw" else patch).reshape(-1))
            weight, bias = tensors["w"], tensors.get("b", torch.zeros(1))
            if layout.form == "signed":
                flat = tensors["scale"][j] * flat[tensors["index"][j]] + tensors["shift"][j]
            if layout.form == "dense":
                weight, bias = weight[j], bias[j] if "b" in tensors else bias
            found.append((weight.reshape(-1, len(flat)) @ flat + bias).numpy())
    tokens = np.array(found).reshape(len(images), rows * columns, -1)
    return tokens + tensors["p"].numpy()[:, 1:]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["signed", "offsets", "any"]),
    side=st.integers(1, 3),
    channels=st.sampled_from([1, 3]),
    flatten=st.sampled_from(["chw", "hwc"]),
    with_bias=st.booleans(),
    grid=st.tuples(st.integers(1, 3), st.integers(2, 3)),
)
def test_tokens_of_maps_by_block_are_those_of_the_plain_image(seed, kind, side, channels, flatten, with_bias, grid):
    """The map at place j belongs to what is put there, so the kernel at place j reads source block order[j]."""
    rng = np.random.default_rng(seed)
    blocks, size = grid[0] * grid[1], (grid[0] * side, grid[1] * side)
    table = Gather(name="p", axes=(1,), start=1)
    layout = Layout(
        embedding=Embedding("w", "b" if with_bias else "", side, channels, flatten),
        image_size=size,
        gathers=(table,),
        shifted=None if with_bias else table,
    )
    shape = (5, channels, side, side) if flatten == "chw" else (5, channels * side * side)
    tensors = {"w": torch.tensor(rng.normal(size=shape)), "p": torch.tensor(rng.normal(size=(1, 1 + blocks, 5)))}
    if with_bias:
        tensors["b"] = torch.tensor(rng.normal(size=5))
    statistics = {"mean": rng.uniform(0, 1, channels), "std": rng.uniform(0.1, 1, channels)}
    plan = by_block_plan(rng, kind, side=side, channels=channels, blocks=blocks)
    images = rng.integers(0, 256, (2, *size, channels)).astype(np.float64)
    undo = undo_of(plan, layout=layout)
    assert undo.form == ("dense" if kind == "any" else "signed")
    absorbed, held = absorb(tensors, layout=layout, undo=undo, **statistics), layout.in_form(undo.form)
    assert set(absorbed) == set(held.names)
    expected = tokens_of(images, tensors, layout=layout, **statistics)
    found = by_position(plan.apply(images), absorbed, layout=held, **statistics)
    condition = np.linalg.cond(plan.matrix).max()
    np.testing.assert_allclose(found, expected[:, plan.block_order], atol=1e-10 * max(10, condition))
    plain, before = restore(absorbed, layout=held, undo=undo, **statistics)
    again = by_position(images, plain, layout=before, **statistics)
    np.testing.assert_allclose(again, expected, atol=1e-9 * max(10, condition) ** 2)
    if undo.form != "dense":
        for name, tensor in tensors.items():
            torch.testing.assert_close(plain[name], tensor, atol=1e-8 * float(max(10, condition)), rtol=0)


def test_kernels_that_training_made_unlike_are_kept_through_a_change_of_key():
    rng = np.random.default_rng(2)
    layout = Layout(
        embedding=Embedding("w", "b", 2, 3, form="dense"), image_size=(4, 6), gathers=(Gather("p", (1,), 1),)
    )
    statistics = {"mean": (0.1, 0.5, 0.7), "std": (0.2, 0.3, 0.4)}
    tensors = {
        "w": torch.tensor(rng.normal(size=(6, 5, 12))),
        "b": torch.tensor(rng.normal(size=(6, 5))),
        "p": torch.tensor(rng.normal(size=(1, 7, 5))),
    }
    plan = by_block_plan(rng, "any", side=2, channels=3, blocks=6)
    undo = undo_of(plan, layout=layout)
    absorbed = absorb(tensors, layout=layout, undo=undo, **statistics)
    images = rng.integers(0, 256, (1, 4, 6, 3)).astype(np.float64)
    expected = by_position(images, tensors, layout=layout, **statistics)
    found = by_position(plan.apply(images), absorbed, layout=layout, **statistics)
    np.testing.assert_allclose(found, expected[:, plan.block_order], atol=1e-8)
    plain, _ = restore(absorbed, layout=layout, undo=undo, **statistics)
    for name, tensor in tensors.items():
        torch.testing.assert_close(plain[name], tensor, atol=1e-8, rtol=0)


def test_the_first_position_keeps_the_kernel_and_the_plain_kernel_is_not_stored():
    rng = np.random.default_rng(3)
    layout = Layout(embedding=Embedding("w", "b", 2, 3), image_size=(4, 4))
    tensors = {"w": torch.tensor(rng.normal(size=(5, 3, 2, 2))), "b": torch.tensor(rng.normal(size=5))}
    plan = by_block_plan(rng, "signed", side=2, channels=3, blocks=4)
    half = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
    absorbed = absorb(tensors, layout=layout, undo=undo_of(plan, layout=layout), **half)
    assert absorbed["index"][0].tolist() == list(range(12))
    assert absorbed["scale"][0].tolist() == [1.0] * 12
    assert absorbed["shift"][0].abs().max() == 0
    assert (absorbed["w"] - tensors["w"]).abs().max() > 0.1
    first = AffinePlan(matrix=plan.matrix[0], offset=plan.offset[0])
    shared = absorb(tensors, layout=layout, undo=undo_of(first, layout=layout), **half)
    torch.testing.assert_close(absorbed["w"], shared["w"], atol=1e-12, rtol=0)


def test_absorbing_twice_is_absorbing_the_composition():
    rng = np.random.default_rng(1)
    layout = Layout(
        embedding=Embedding("w", "b", 2, 3), image_size=(4, 6), gathers=(Gather(name="p", axes=(1,), start=1),)
    )
    tensors = {
        "w": torch.tensor(rng.normal(size=(5, 3, 2, 2))),
        "b": torch.tensor(rng.normal(size=5)),
        "p": torch.tensor(rng.normal(size=(1, 7, 5))),
    }
    statistics = {"mean": (0.1, 0.5, 0.7), "std": (0.2, 0.3, 0.4)}
    first, second = (random_plan(rng, side=2, channels=3, blocks=6) for _ in range(2))

    def under(plan, given):
        return absorb(given, layout=layout, undo=undo_of(plan, layout=layout), **statistics)

    twice, once = under(second, under(first, tensors)), under(first.compose(second), tensors)
    for name in tensors:
        torch.testing.assert_close(twice[name], once[name], atol=1e-10, rtol=0)


def test_results_keep_dtype_and_shape_and_leave_the_arguments_alone():
    layout = Layout(embedding=Embedding("w", "b", 2, 3), image_size=(4, 4))
    tensors = {"w": torch.randn(5, 3, 2, 2).half(), "b": torch.randn(5).bfloat16()}
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    plan = LanePlan(source=np.random.default_rng(0).permutation(12), flip=np.full(12, 255), block_size=2).to_affine()
    undo = undo_of(plan, layout=layout)
    absorbed = absorb(tensors, layout=layout, undo=undo, mean=(0.5,) * 3, std=(0.5,) * 3)
    assert {name: (t.dtype, t.shape) for name, t in absorbed.items()} == {
        name: (t.dtype, t.shape) for name, t in before.items()
    }
    assert all(torch.equal(tensors[name], before[name]) for name in tensors)
    assert not torch.equal(absorbed["w"], before["w"])


@pytest.mark.parametrize("square", [False, True])
def test_gather_moves_pairs_of_patches_on_both_axes_and_leaves_the_prefix(square):
    order = torch.tensor([2, 0, 1])
    pairs = torch.arange(16).reshape(4, 4)
    moved = gather(pairs.reshape(-1) if square else pairs, Gather("i", (0, 1), 1, square), order=order).reshape(4, 4)
    for j in range(3):
        assert moved[0, 1 + j] == pairs[0, 1 + order[j]]
        assert moved[1 + j, 0] == pairs[1 + order[j], 0]
        for k in range(3):
            assert moved[1 + j, 1 + k] == pairs[1 + order[j], 1 + order[k]]
    assert moved[0, 0] == pairs[0, 0]


def test_gather_leaves_what_follows_the_patches():
    rows = torch.arange(6.0)[None, :, None]
    moved = gather(rows, Gather("p", (1,), 1), order=torch.tensor([1, 0]))
    assert moved.flatten().tolist() == [0, 2, 1, 3, 4, 5]


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    side=st.integers(1, 3),
    factor=st.integers(1, 3),
    channels=st.sampled_from([1, 3]),
    alike=st.booleans(),
)
def test_lift_is_the_maps_of_the_blocks_of_a_patch(seed, side, factor, channels, alike):
    rng = np.random.default_rng(seed)
    lanes, blocks = side * side * channels, factor * factor
    small = AffinePlan(matrix=rng.normal(size=(lanes, lanes) if alike else (blocks, lanes, lanes)), channels=channels)
    matrix = lift(torch.tensor(small.matrix), factor=factor, side=side, channels=channels)
    large = AffinePlan(matrix=matrix.numpy(), channels=channels)
    image = rng.uniform(0, 255, (factor * side, factor * side, channels))
    np.testing.assert_allclose(large.apply(image), small.apply(image), atol=1e-9)
