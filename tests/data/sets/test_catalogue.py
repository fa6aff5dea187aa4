import re

import pytest

from pixelveil.data.sets import DATA_SETS, data_set
from pixelveil.errors import UsageError


@pytest.mark.parametrize("name", sorted(DATA_SETS))
def test_every_set_says_where_it_comes_from(name):
    kind = data_set(name)
    assert kind.name == name
    assert kind.title
    assert kind.citation
    assert kind.origin
    assert all(re.fullmatch("[0-9a-f]{32}", digest) for digest in kind.checksums.values())
    assert not kind.held_out or kind.group_column


def test_the_sets_of_the_tables_are_there():
    wanted = {"cifar10", "cifar100", "brain-mri", "pcos-ultrasound", "afhq", "imagefolder", "medmnist-npz"}
    assert set(DATA_SETS) == wanted


def test_an_unknown_set_is_refused():
    with pytest.raises(UsageError, match="mnist"):
        data_set("mnist")
