import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from timm.layers import RotaryEmbeddingCat
from timm.models.beit import Beit
from timm.models.mlp_mixer import MlpMixer, ResBlock

from pixelveil.attacks.stem.evidence import base_tensors
from pixelveil.attacks.stem.positions import match_rows, order_from_base, pair_features, pair_table
from pixelveil.models.layout import Gather


@given(seed=st.integers(0, 1000), drift=st.floats(0, 0.5))
def test_rows_are_matched_at_any_drift_of_fine_tuning(seed, drift):
    generator = np.random.default_rng(seed)
    table, order = generator.normal(size=(30, 40)), generator.permutation(30)
    moved = table[order] + drift * generator.normal(size=table.shape) + 5
    found = match_rows([moved], [table])
    assert found.order.tolist() == order.tolist()
    assert found.agreement > 0.8


def test_unrelated_tables_do_not_agree():
    generator = np.random.default_rng(0)
    assert match_rows([generator.normal(size=(64, 96))], [generator.normal(size=(64, 96))]).agreement < 0.4


SIZE = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "num_classes": 3}
ARCHITECTURES = {
    "mixer": lambda: MlpMixer(num_blocks=1, **SIZE),
    "resmlp": lambda: MlpMixer(num_blocks=1, block_layer=ResBlock, mlp_ratio=4, **SIZE),
    "beit": lambda: Beit(depth=1, num_heads=2, use_abs_pos_emb=False, use_rel_pos_bias=True, **SIZE),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_order_of_other_architectures(name, hold, victims):
    """Token mixing and relative positions give it away as a position table does."""
    torch.manual_seed(0)
    model = ARCHITECTURES[name]()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    evidence, _, key = hold(model, victims, parameters={"block_size": 8})
    base = base_tensors(model, image_size=32)
    found = order_from_base(evidence.stem.tensors, base, layout=evidence.layout)
    assert found is not None
    assert found.order.tolist() == evidence.scheme.plan(key=key, shape=(32, 32, 3)).block_order.reshape(-1).tolist()


def test_a_rotary_table_is_looked_up():
    """A permuted copy of what the public code generates, as another implementation might store it."""
    table = RotaryEmbeddingCat(dim=32, feat_shape=[6, 6], in_pixels=False).get_embed().double().numpy()
    order = np.random.default_rng(1).permutation(36)
    assert match_rows([table[order]], [table]).order.tolist() == order.tolist()


def test_pairs_say_the_same_in_any_order_of_the_others():
    table, order = np.random.default_rng(0).normal(size=(5, 5)), np.array([3, 0, 4, 1, 2])
    np.testing.assert_allclose(pair_features(table[np.ix_(order, order)]), pair_features(table)[order])


def test_a_flat_table_of_pairs():
    flat = torch.arange(9)
    entry = Gather(name="t", axes=(0, 1), start=1, square=True)
    assert pair_table(flat, entry, count=2).tolist() == [[4, 5], [7, 8]]
