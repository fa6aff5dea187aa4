import numpy as np
import pytest
import torch
from timm.layers import build_sincos2d_pos_embed
from timm.layers.pos_embed_rel import gen_relative_position_index
from timm.models.beit import Beit
from timm.models.eva import Eva
from transformers.models.vit_mae.modeling_vit_mae import build_2d_sinusoidal_position_embedding

from pixelveil.attacks.evaluate import best_reading
from pixelveil.attacks.measures import ssim
from pixelveil.attacks.stem.structured_positions import (
    StructuredPositions,
    TurnedGrid,
    find_structure,
    order_from_index,
    order_from_learned_table,
    order_from_table,
    relative_index,
)
from pixelveil.schemes import create_scheme

ONLY_BLOCKS = {"shuffle": False, "invert": False, "block_size": 8}
SIZE = {"img_size": 32, "patch_size": 8, "embed_dim": 64, "depth": 1, "num_heads": 2, "num_classes": 3}
GENERATOR = np.random.default_rng(0)


def with_fixed_table(make_vit):
    model = make_vit(patch_size=8)
    with torch.no_grad():
        model.pos_embed[0, 1:] = build_sincos2d_pos_embed([4, 4], dim=64)
    return model


MODELS = {
    "fixed table": with_fixed_table,
    "relative index": lambda _: Beit(use_abs_pos_emb=False, use_rel_pos_bias=True, **SIZE),
    "stored order": lambda _: Eva(use_abs_pos_emb=False, use_rot_pos_emb=True, **SIZE),
}


@pytest.mark.parametrize("source", MODELS)
def test_scrambled_blocks_are_put_back_by_the_model_alone(make_vit, hold, victims, source):
    evidence, _, key = hold(MODELS[source](make_vit), victims, parameters=ONLY_BLOCKS)
    read = StructuredPositions().run(evidence)
    assert read.facts["source"] == source
    assert np.array_equal(best_reading(read, victims), victims)
    found = find_structure(evidence.stem.tensors, layout=evidence.layout, generator=GENERATOR)
    assert found is not None
    assert found.exact == (source != "fixed table")
    order = evidence.scheme.plan(key=key, shape=(32, 32, 3)).block_order.reshape(-1)
    assert found.order.tolist() in ([order.tolist()] if found.exact else [order.tolist(), transposed(order, side=4)])


def test_inside_blocks_nothing_is_read(make_vit, hold, victims):
    evidence, _, _ = hold(with_fixed_table(make_vit), victims, parameters={"block_size": 8})
    assert ssim(StructuredPositions().run(evidence).images, victims).mean() < 0.2


def test_a_random_table_tells_nothing(make_vit, hold, victims):
    evidence, _, _ = hold(make_vit(patch_size=8), victims, parameters=ONLY_BLOCKS)
    read = StructuredPositions().run(evidence)
    assert read.facts["source"] == "nothing"
    assert len(np.unique(read.images)) == 1


@pytest.mark.parametrize(("rows", "columns"), [(14, 14), (7, 5)])
def test_indices_as_timm_makes_them(rows, columns):
    order = np.random.default_rng(0).permutation(rows * columns)
    for tokens in (0, 1):
        index = gen_relative_position_index((rows, columns), class_token=bool(tokens)).numpy()[tokens:, tokens:]
        assert order_from_index(index[np.ix_(order, order)], rows=rows, columns=columns).tolist() == order.tolist()
    assert np.array_equal(relative_index(rows=rows, columns=columns), index)
    shuffled = np.random.default_rng(1).permutation(index.ravel()).reshape(index.shape)
    assert order_from_index(shuffled, rows=rows, columns=columns) is None


def transposed(order, *, side):
    row, column = np.divmod(order, side)
    return (column * side + row).tolist()


@pytest.mark.parametrize(("rows", "columns"), [(14, 14), (6, 6), (6, 4)])
def test_fixed_tables_of_public_code(rows, columns):
    """Of timm and of Hugging Face's masked autoencoders, with a constant added to every row."""
    order = np.random.default_rng(0).permutation(rows * columns)
    tables = [
        build_sincos2d_pos_embed([rows, columns], dim=64),
        build_2d_sinusoidal_position_embedding(rows, columns, 64),
    ]
    for table in tables:
        found = order_from_table(table.double().numpy()[order] + 3, rows=rows, columns=columns).tolist()
        if rows != columns:
            assert found == order.tolist()
        else:
            assert found in (order.tolist(), transposed(order, side=rows))


def test_grids_are_turned_without_their_blocks(victims):
    read = TurnedGrid(turn=5, side=8)(victims)
    assert np.array_equal(read[:, 8:16, :8], victims[:, :8, 8:16])
    assert np.array_equal(TurnedGrid(turn=0, side=8)(victims), victims)
    assert np.array_equal(TurnedGrid(turn=5, side=8)(read), victims)


def test_other_tables_are_not_taken_for_fixed_ones():
    generator = np.random.default_rng(0)
    assert order_from_table(generator.normal(size=(36, 64)), rows=6, columns=6) is None
    assert order_from_table(generator.normal(size=(36, 62)), rows=6, columns=6) is None


def test_a_table_that_has_learned_its_grid_is_laid_out():
    """Neighbors alike, as in trained models, with noise; right up to a turn or mirror image."""
    generator = np.random.default_rng(0)
    row, column = np.divmod(np.arange(64), 8)
    apart = np.subtract.outer(row, row) ** 2 + np.subtract.outer(column, column) ** 2
    table = np.exp(-apart / 4) @ generator.normal(size=(64, 256))
    table += 0.2 * table.std() * generator.normal(size=table.shape)
    order = generator.permutation(64)
    found = order_from_learned_table(table[order], rows=8, columns=8, generator=generator)
    grid = np.arange(64).reshape(8, 8)
    placed = np.empty(64, int)
    placed[found] = order
    turns = [np.rot90(one, turn) for one in (grid, grid[:, ::-1]) for turn in range(4)]
    assert max((placed.reshape(8, 8) == one).mean() for one in turns) > 0.9


def test_blocks_that_stay_have_no_order():
    attack = StructuredPositions()
    assert "does not scramble" in attack.obstacle(create_scheme("vit-orthogonal", scramble_blocks=False))
    assert attack.obstacle(create_scheme("vit-orthogonal")) == ""
    assert attack.obstacle(create_scheme("skk"))
