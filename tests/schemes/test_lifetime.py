import json
from importlib.resources import files

import pytest

from pixelveil.schemes import SCHEMES, create_scheme
from pixelveil.schemes import lifetime as module
from pixelveil.schemes.lifetime import Lifetime, advice_on, lifetime_of, lifetimes, recommended_budget


def curve(scheme="vit-orthogonal", *, block=4, quiet=5, leaks=10):
    return Lifetime(scheme=scheme, block=block, attack="statistics-vit", quiet_until=quiet, leaks_from=leaks)


def test_what_comes_with_the_package_is_of_schemes_that_share_a_key():
    for one in lifetimes():
        assert "shared" in SCHEMES[one.scheme].policies
        assert one.budget >= 1
        assert one.leaks_from is None or one.leaks_from > (one.quiet_until or 0)
    assert set(json.loads(files("pixelveil.schemes").joinpath("lifetime.json").read_text())) == {
        "data",
        "commit",
        "curves",
    }


def test_the_shortest_of_all_block_sizes_counts():
    measured = (curve(quiet=20, leaks=50), curve(block=8, quiet=5, leaks=10), curve("skk", quiet=None, leaks=2))
    found = lifetime_of(create_scheme("vit-orthogonal"), measured=measured)
    assert found is measured[1]
    assert found.budget == 5


def test_of_equal_budgets_the_one_that_leaks_first_counts():
    measured = (curve(quiet=5, leaks=None), curve(quiet=5, leaks=20), curve(quiet=5, leaks=10))
    assert lifetime_of(create_scheme("vit-orthogonal"), measured=measured) is measured[2]


def test_one_image_is_the_floor():
    assert curve(quiet=None, leaks=1).budget == 1
    assert "from 1 image under" in curve(quiet=None, leaks=1).reason
    assert "up to 2000 images" in curve(quiet=2000, leaks=None).reason


@pytest.mark.parametrize("policy", ["derived", "ephemeral"])
def test_keys_of_their_own_have_no_lifetime(policy):
    scheme = create_scheme("vit-orthogonal", key_policy=policy)
    assert lifetime_of(scheme, measured=(curve(),)) is None
    assert recommended_budget(scheme) is None
    assert advice_on(scheme, budget=1) == ""


def test_what_was_not_measured_has_no_figure(monkeypatch):
    monkeypatch.setattr(module, "lifetimes", lambda: (curve(),))
    assert recommended_budget(create_scheme("vit-orthogonal")) == 5
    assert recommended_budget(create_scheme("vit-permutation")) is None


def test_a_budget_too_small_for_a_data_set_comes_with_what_to_do():
    assert advice_on(create_scheme("vit-orthogonal"), budget=500) == ""
    assert "key_policy=derived" in advice_on(create_scheme("vit-orthogonal"), budget=2)
    assert "key_policy=derived" not in advice_on(create_scheme("smkk"), budget=2)
    assert "rotate" in advice_on(create_scheme("smkk"), budget=2)
