"""Mixed images are what the papers say, and the share is that of the pixels."""

import numpy as np
import pytest
import torch

from pixelveil.training.mixing import mix_pairs

BATCH = torch.arange(1.0, 9.0).reshape(8, 1, 1, 1).expand(8, 3, 16, 12).contiguous()


def draws(seed=0):
    return np.random.default_rng(seed)


def test_nothing_is_mixed_by_default():
    assert mix_pairs(BATCH, mixup=0, cutmix=0, random=draws())[0] is BATCH


@pytest.mark.parametrize("seed", range(5))
def test_mixup_is_a_weighted_sum(seed):
    mixed, partner, share = mix_pairs(BATCH, mixup=1.0, cutmix=0, random=draws(seed))
    assert 0 <= share <= 1
    assert torch.allclose(mixed, share * BATCH + (1 - share) * BATCH[partner], atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_cutmix_pastes_a_box(seed):
    before = BATCH.clone()
    mixed, partner, share = mix_pairs(BATCH, mixup=0, cutmix=1.0, random=draws(seed))
    assert torch.equal(BATCH, before)
    for new, old, other in zip(mixed, BATCH, BATCH[partner], strict=True):
        if old[0, 0, 0] == other[0, 0, 0]:
            continue
        kept, pasted = new == old, new == other
        assert torch.all(kept ^ pasted)
        assert float(kept.float().mean()) == pytest.approx(share)
        rows, columns = pasted[0].any(dim=1), pasted[0].any(dim=0)
        assert torch.equal(pasted[0], rows[:, None] & columns[None])


def test_a_coin_decides_between_both():
    kinds = set()
    for seed in range(12):
        mixed, _, _ = mix_pairs(BATCH, mixup=1.0, cutmix=1.0, random=draws(seed))
        kinds.add(bool((mixed == mixed.round()).all()))
    assert kinds == {True, False}


def test_the_draws_decide():
    first, second = (mix_pairs(BATCH, mixup=0.2, cutmix=0, random=draws(3)) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert first[2] == second[2]
