import math
import time

import numpy as np
import pytest
import torch

from pixelveil.attacks.attack import Budget
from pixelveil.attacks.learned.fitting import Player, Schedule, fit, held_out, reproducible


def line(seed=0):
    with reproducible(seed):
        return torch.nn.Linear(3, 1)


def task(model):
    """Learn the sum of three numbers."""

    def loss(generator):
        values = torch.rand(32, 3, generator=generator)
        return ((model(values) - values.sum(dim=1, keepdim=True)) ** 2).mean()

    return loss


def test_it_learns_and_keeps_time():
    model = line()
    fixed = torch.rand(64, 3, generator=torch.Generator().manual_seed(9))

    def judge():
        assert not model.training
        assert not torch.is_grad_enabled()
        return float(((model(fixed) - fixed.sum(dim=1, keepdim=True)) ** 2).mean())

    schedule = Schedule(steps=400, judge_every=20)
    found = fit(
        [Player(model=model, loss=task(model), rate=0.05)], schedule=schedule, seed=0, budget=Budget(), judge=judge
    )
    assert found.steps == 400
    assert found.best < 1e-3 < found.first
    assert judge_again(model, fixed) == pytest.approx(found.best)


def judge_again(model, fixed):
    with torch.no_grad():
        return float(((model(fixed) - fixed.sum(dim=1, keepdim=True)) ** 2).mean())


def test_it_ends_with_its_share_of_the_time():
    model = line()
    budget = Budget(seconds=0.4)
    found = fit([Player(model=model, loss=task(model))], schedule=Schedule(steps=10**9), seed=0, budget=budget)
    assert found.steps > 3
    assert 0.2 < found.seconds < 0.4 + 0.3
    assert (
        fit([Player(model=model, loss=task(model))], schedule=Schedule(), seed=0, budget=Budget(seconds=0)).steps == 0
    )


def test_the_same_seed_gives_the_same_weights_and_leaves_the_world_alone():
    torch.manual_seed(5)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    weights = []
    for seed in (1, 1, 2):
        model = line()
        with torch.no_grad():  # whoever calls may have turned gradients off
            fit([Player(model=model, loss=task(model))], schedule=Schedule(steps=20), seed=seed, budget=Budget())
        weights.append(model.weight.detach().clone())
        assert not model.training
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(state, torch.get_rng_state())
    assert threads == torch.get_num_threads()


def test_worse_weights_are_not_kept():
    model = line()
    start = model.weight.detach().clone()
    judged = iter([0.0, 1.0, math.nan, 1.0])
    found = fit(
        [Player(model=model, loss=task(model))],
        schedule=Schedule(steps=3, judge_every=1),
        seed=0,
        budget=Budget(),
        judge=lambda: next(judged),
    )
    assert (found.first, found.best) == (0.0, 0.0)
    assert torch.equal(model.weight, start)


def test_players_take_turns():
    turns = []

    def player(name):
        model = line()

        def loss(generator):
            turns.append(name)
            return task(model)(generator)

        return Player(model=model, loss=loss)

    fit([player("judge"), player("painter")], schedule=Schedule(steps=2), seed=0, budget=Budget())
    assert turns == ["judge", "painter", "judge", "painter"]


def test_a_loss_that_is_no_number_ends_it():
    model = line()
    start = model.weight.detach().clone()
    player = Player(model=model, loss=lambda _: model(torch.full((1, 3), math.nan)).mean())
    assert fit([player], schedule=Schedule(steps=5), seed=0, budget=Budget(), judge=lambda: 1.0).steps == 0
    assert torch.equal(model.weight, start)


def test_progress_is_told_and_ends_at_all():
    model, told = line(), []
    fit(
        [Player(model=model, loss=task(model))],
        schedule=Schedule(steps=7),
        seed=0,
        budget=Budget(),
        advance=lambda done, total: told.append((done, total)),
    )
    assert told == [(step, 7) for step in range(1, 8)]


@pytest.mark.parametrize(("count", "kept"), [(1, 1), (2, 1), (5, 1), (100, 20), (5000, 64)])
def test_images_to_judge_by_are_not_trained_on(count, kept):
    train, held = held_out(count)
    assert len(held) == kept
    if count > 1:
        np.testing.assert_array_equal(np.concatenate([train, held]), np.arange(count))


def test_time_goes_on_in_the_loop():
    model = line()

    def slow(generator):
        time.sleep(0.02)
        return task(model)(generator)

    told = []
    fit(
        [Player(model=model, loss=slow)],
        schedule=Schedule(steps=10_000),
        seed=0,
        budget=Budget(seconds=0.3),
        advance=lambda done, total: told.append(done / total),
    )
    assert told == sorted(told)
    assert told[-1] > 0.9
