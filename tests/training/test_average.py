"""The average follows the weights by its formula."""

import pytest
import torch
from torch import nn

from pixelveil.training.average import average_of, update_average


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def test_the_formula():
    model = network()
    average = average_of(model)
    expected = model[0].weight.detach().clone()
    for step in range(30):
        with torch.no_grad():
            model[0].weight.add_(torch.rand(4, 3))
        model(torch.rand(5, 3))
        update_average(average, model, decay=0.7, step=step)
        decay = min(0.7, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * model[0].weight.detach()
    assert torch.allclose(average[0].weight, expected, atol=1e-5)
    assert not torch.equal(average[1].running_mean, model[1].running_mean)
    assert average[1].num_batches_tracked == model[1].num_batches_tracked == 30


def test_it_takes_no_gradient_and_is_a_copy():
    model = network()
    average = average_of(model)
    assert not any(weight.requires_grad for weight in average.parameters())
    assert all(weight.requires_grad for weight in model.parameters())
    update_average(average, model, decay=0.9, step=0)
    assert torch.equal(average[0].weight, model[0].weight)


def test_weights_that_two_layers_share_move_once():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    average = average_of(model)
    before = average[0].weight.clone()
    with torch.no_grad():
        model[0].weight.add_(1)
    update_average(average, model, decay=0.5, step=1000)
    assert (average[0].weight - before).tolist() == [[pytest.approx(0.5)] * 2] * 2
