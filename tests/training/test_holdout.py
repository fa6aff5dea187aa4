"""What is held out shares no group with the rest, and no class gives more than its share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelveil.errors import UsageError
from pixelveil.training.holdout import hold_out


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 15)), min_size=1, max_size=80),
    st.floats(0.05, 0.6),
    st.integers(0, 5),
)
def test_groups_are_never_divided(images, share, seed):
    # as in practice: a group is of one class
    labels = np.array([label for label, _ in images], np.int64)
    groups = np.array([16 * label + group for label, group in images], np.int64)
    members = np.arange(0, len(images), 2)
    held = hold_out(members, labels=labels, groups=groups, share=share, seed=seed)
    rest = np.setdiff1d(members, held)
    assert set(held) <= set(members)
    assert not set(groups[held]) & set(groups[rest])
    for label in range(3):
        assert (labels[held] == label).sum() <= share * (labels[members] == label).sum()
    assert held.tolist() == hold_out(members, labels=labels, groups=groups, share=share, seed=seed).tolist()


def test_single_images_give_the_share():
    labels = np.arange(1000) % 4
    held = hold_out(np.arange(1000), labels=labels, groups=np.arange(1000), share=0.1)
    assert np.bincount(labels[held]).tolist() == [25] * 4
    other = hold_out(np.arange(1000), labels=labels, groups=np.arange(1000), share=0.1, seed=1)
    assert held.tolist() != other.tolist()


@pytest.mark.parametrize("share", [0, 1, -0.5, 2])
def test_impossible_shares(share):
    with pytest.raises(UsageError, match="share"):
        hold_out([0], labels=np.zeros(1, np.int64), groups=np.zeros(1, np.int64), share=share)
