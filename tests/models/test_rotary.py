import copy
import pickle

import pytest
import torch
from torch import nn

from pixelveil.models.rotary import Reordered


class Table(nn.Module):
    """Stands for a module that computes positions: rows of (tokens, features) times a weight."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))

    def forward(self, rows, *, twice=False):
        table = rows * self.weight
        return (table, -table) if twice else table

    def get_embed(self, shape=None):
        return torch.arange(3.0)[:, None] * self.weight


@pytest.fixture
def reordered():
    module = Reordered(Table(), axes=(-2,), tokens=3)
    module.order.copy_(torch.tensor([1, 2, 0]))
    return module


ROWS = torch.tensor([[1.0], [2.0], [3.0]])


def test_output_rows_follow_the_order(reordered):
    assert reordered(ROWS).flatten().tolist() == [4, 6, 2]
    assert [part.flatten().tolist() for part in reordered(ROWS, twice=True)] == [[4, 6, 2], [-4, -6, -2]]
    assert reordered.get_embed(shape=(1, 3)).flatten().tolist() == [2, 4, 0]


def test_two_axes_follow_the_order():
    module = Reordered(nn.Identity(), axes=(-2, -1), tokens=2)
    module.order.copy_(torch.tensor([1, 0]))
    assert module(torch.tensor([[1, 2], [3, 4]])).tolist() == [[4, 3], [2, 1]]


def test_fresh_it_changes_nothing():
    assert torch.equal(Reordered(Table(), axes=(-2,), tokens=3)(ROWS), 2 * ROWS)


@pytest.mark.parametrize(
    "treat",
    [
        copy.deepcopy,
        lambda module: module.eval(),
        lambda module: module.double().float(),
        lambda module: module.to("cpu", torch.float64).to(torch.float32),
        lambda module: pickle.loads(pickle.dumps(module)),  # noqa: S301 - the file never leaves this test
    ],
)
def test_it_stays_in_order_whatever_is_done_to_it(reordered, treat):
    assert treat(reordered)(ROWS).flatten().tolist() == [4, 6, 2]
    assert treat(reordered).order.dtype == torch.int64


def test_its_order_is_saved_and_loaded(reordered):
    fresh = Reordered(Table(), axes=(-2,), tokens=3)
    fresh.load_state_dict(reordered.state_dict())
    assert fresh(ROWS).flatten().tolist() == [4, 6, 2]
    assert set(reordered.state_dict()) == {"order", "inner.weight"}


def test_timm_sees_a_grid_only_where_the_wrapped_module_has_one(reordered):
    assert not hasattr(reordered, "feat_shape")
    reordered.inner.feat_shape = (1, 3)
    assert reordered.feat_shape == (1, 3)


def test_another_number_of_tokens_is_an_error_and_never_a_wrong_table(reordered):
    with pytest.raises((IndexError, RuntimeError)):
        reordered(ROWS[:2])
