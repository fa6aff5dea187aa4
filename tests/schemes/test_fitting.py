import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelveil.errors import UsageError
from pixelveil.schemes import SCHEMES, create_scheme
from pixelveil.schemes.fitting import fit_asset, spread

assets = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("assets.py"))))


@pytest.mark.parametrize("name", assets.NEEDY)
def test_every_scheme_that_needs_an_asset_works_with_one(name):
    if "weights" in SCHEMES[name].asset_kinds:
        pytest.importorskip("torch")
    scheme = assets.scheme_with_asset(name)
    images = assets.pictures(3, seed=8)
    hidden = scheme.encrypt(images).images
    assert hidden.shape == (3, *scheme.encrypted_shape(assets.SHAPE))
    named = create_scheme(name, **{**assets.PARAMETERS.get(name, {}), "asset": scheme.asset})
    assert named.digest == scheme.digest
    assert named.encrypted_shape(assets.SHAPE) == scheme.encrypted_shape(assets.SHAPE)
    with pytest.raises(UsageError, match="needs its asset"):
        named.encrypt(images)


@pytest.mark.parametrize("name", [name for name, kind in SCHEMES.items() if not kind.asset_kinds])
def test_all_others_say_that_they_need_none(name):
    with pytest.raises(UsageError, match=f"{name} needs no asset"):
        fit_asset(create_scheme(name), images=assets.pictures(2))


@pytest.mark.parametrize(
    "images", [np.zeros((2, 4, 4, 3)), np.zeros((4, 4, 3), np.uint8), np.zeros((0, 4, 4, 3), np.uint8)]
)
def test_what_is_no_image_is_refused(images):
    with pytest.raises(UsageError, match="an asset is made from images"):
        fit_asset(create_scheme("pixel-block-mixing"), images=images)


@given(total=st.integers(0, 500), limit=st.integers(1, 500))
def test_chosen_places_are_spread_evenly(total, limit):
    places = spread(total, limit=limit)
    assert len(places) == min(total, limit)
    assert places == sorted(set(places))
    assert not places or (places[0] == 0 and places[-1] < total)
    steps = np.diff([*places, total])
    assert steps.size == 0 or steps.max() - steps.min() <= 1
