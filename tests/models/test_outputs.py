from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from pixelveil.errors import UsageError
from pixelveil.models.layout import Embedding, Layout
from pixelveil.models.outputs import evaluating, largest_difference, normalize, primary, restore_tokens, tensors_of

LAYOUT = Layout(embedding=Embedding("w", "b", 2, 3), image_size=(4, 6), prefix=2, suffix=1)
ORDER = torch.tensor([3, 1, 0, 5, 2, 4])


def test_tensors_are_found_in_every_kind_of_output():
    a, b = torch.zeros(1), torch.ones(2)
    assert list(tensors_of(a)) == ["output"]
    assert list(tensors_of((a, b))) == ["0", "1"]
    assert list(tensors_of(OrderedDict(logits=a, hidden_states=(a, b), ids=torch.arange(3), name="x"))) == [
        "logits",
        "hidden_states.0",
        "hidden_states.1",
    ]


def test_the_answer_that_counts():
    logits, other = torch.zeros(1), torch.ones(1)
    assert primary({"hidden": other, "logits": logits}) is logits
    assert primary({"hidden": other, "pooler_output": logits}) is logits
    assert primary({"hidden": other}) is other
    with pytest.raises(UsageError, match="no floating tensor"):
        primary({})


def test_answers_per_patch_return_to_the_plain_order():
    plain = torch.randn(2, 9, 4)
    encrypted = plain.clone()
    encrypted[:, 2:8] = plain[:, 2:8][:, ORDER]
    assert torch.equal(restore_tokens(encrypted, layout=LAYOUT, order=ORDER), plain)
    maps = torch.randn(2, 4, 2, 3)
    scrambled = maps.flatten(2)[:, :, ORDER].reshape(2, 4, 2, 3)
    assert torch.equal(restore_tokens(scrambled, layout=LAYOUT, order=ORDER), maps)


def test_other_answers_stay_as_they_are():
    for answer in (torch.randn(2, 10), torch.randn(2, 8, 4), torch.randn(2, 4, 3, 2)):
        assert restore_tokens(answer, layout=LAYOUT, order=ORDER) is answer
    tokens = torch.randn(2, 9, 4)
    assert restore_tokens(tokens, layout=LAYOUT, order=None) is tokens


def test_normalization_is_that_of_the_model():
    image = np.array([[[[0, 51, 255]]]], np.uint8)
    pixels = normalize(image, mean=(0.0, 0.1, 0.5), std=(1.0, 0.5, 0.25), like=torch.zeros(1, dtype=torch.float64))
    torch.testing.assert_close(pixels.flatten(), torch.tensor([0.0, 0.2, 2.0], dtype=torch.float64))
    assert pixels.shape == (1, 3, 1, 1)


def test_differences_are_relative_to_large_answers_and_absolute_to_small_ones():
    expected = {"a": torch.tensor([100.0, 0.01])}
    assert largest_difference(expected, {"a": torch.tensor([101.0, 0.01])}) == pytest.approx(0.01)
    assert largest_difference(expected, {"a": torch.tensor([100.0, 0.03])}) == pytest.approx(0.02)
    assert np.isnan(largest_difference(expected, {"a": torch.tensor([float("nan"), 0.01])}))


def test_evaluation_mode_ends_with_the_block():
    model = nn.Sequential(nn.Dropout(), nn.Dropout())
    model[0].eval()
    with evaluating(model):
        assert not any(module.training for module in model.modules())
    assert [module.training for module in (model, *model)] == [True, False, True]
