"""Logits, accuracy and its interval against independent answers."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pixelveil.errors import UsageError
from pixelveil.training.dataset import ArrayImages, to_network
from pixelveil.training.evaluate import accuracy, confusion_matrix, predict_logits, wilson_interval

HALF = [0.5, 0.5, 0.5]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_batches_do_not_change_the_answer(dtype, batch_size):
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.9), nn.Linear(48, 3)).to(dtype)
    images = np.random.default_rng(0).integers(0, 256, (7, 4, 4, 3)).astype(np.uint8)
    logits = predict_logits(model, images, mean=HALF, std=HALF, batch_size=batch_size)
    assert model.training  # as it was
    assert torch.from_numpy(logits).dtype == dtype
    weight = model[2].weight.detach().numpy()
    flat = to_network(torch.from_numpy(images), mean=HALF, std=HALF, dtype=dtype).flatten(1).numpy()
    np.testing.assert_allclose(logits, flat @ weight.T + model[2].bias.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_nothing_to_evaluate():
    with pytest.raises(UsageError, match="no image"):
        predict_logits(nn.Linear(1, 1), ArrayImages(np.zeros((0, 4, 4, 3), np.uint8)), mean=HALF, std=HALF)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=50))
def test_the_confusion_matrix_counts(pairs):
    labels = np.array([true for true, _ in pairs])
    logits = np.eye(4)[[answer for _, answer in pairs]]
    matrix = confusion_matrix(logits, labels)
    for true in range(4):
        for answer in range(4):
            assert matrix[true, answer] == pairs.count((true, answer))
    assert accuracy(logits, labels) == pytest.approx(100 * np.trace(matrix) / len(pairs))


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_solves_the_score_equation(counts):
    correct, total = counts
    low, high = (bound / 100 for bound in wilson_interval(correct, total))
    share = correct / total
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1
    for bound in (low, high):  # the defining equation, not the closed form
        if 0 < bound < 1:
            assert (share - bound) ** 2 == pytest.approx(1.959964**2 * bound * (1 - bound) / total, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("correct", "total"), [(1, 0), (3, 2), (-1, 2)])
def test_impossible_counts(correct, total):
    with pytest.raises(UsageError):
        wilson_interval(correct, total)
