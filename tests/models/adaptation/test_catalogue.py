"""Every scheme has its adaptation network, and every network fits the backbone behind it."""

import pytest
import torch

from pixelveil.errors import UsageError
from pixelveil.models.adaptation.catalogue import (
    ADAPTATIONS,
    adaptation_channels,
    auto_adaptation,
    create_adaptation,
)
from pixelveil.models.adaptation.settings import AdaptationSettings, settings_for
from pixelveil.schemes import SCHEMES, create_scheme

EXPECTED = {
    "etc-color": "ele",
    "etc-gray": "ele",
    "huang": "pixel",
    "madono-ele": "ele",
    "skk": "invariant",
    "skk-g": "pixel",
    "smkk": "pixel",
    "tanaka-le": "tanaka",
}


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_under_every_policy(name):
    kind = SCHEMES[name]
    assert auto_adaptation(create_scheme(name)) == EXPECTED.get(name, "none")
    for policy in kind.policies:
        scheme = create_scheme(name, key_policy=policy)
        chosen = auto_adaptation(scheme)
        assert chosen in ADAPTATIONS
        if policy != "shared" and scheme.block > 1 and kind.family == "block":
            assert chosen == "block-invariant"


def test_parameters_count():
    assert auto_adaptation(create_scheme("skk", key_policy="shared")) == "pixel"
    assert auto_adaptation(create_scheme("huang", order="pre")) == "invariant"
    assert auto_adaptation(create_scheme("etc-color"), patches=True) == "none"
    assert auto_adaptation(create_scheme("smkk"), patches=True) == "pixel"
    assert auto_adaptation(create_scheme("etc-color"), image_size=224) == "le"
    assert auto_adaptation(create_scheme("etc-color", block_size=4), image_size=32) == "ele"


@pytest.mark.parametrize("name", ADAPTATIONS)
@pytest.mark.parametrize("scheme", ["etc-gray", "etc-color"])
def test_all_networks_read_all_layouts(name, scheme):
    scheme = create_scheme(scheme, block_size=8)
    height, width, channels = scheme.encrypted_shape((16, 16, 3))
    network = create_adaptation(name, settings=settings_for(scheme, image_size=16, mean=(0.5,), std=(0.5,)))
    features = network.train()(torch.rand(2, channels, height, width))
    assert features.shape == (2, adaptation_channels(name), 16, 16)


def test_an_unknown_name():
    with pytest.raises(UsageError, match="unknown adaptation 'tanka'") as caught:
        create_adaptation("tanka", settings=AdaptationSettings(image_size=32))
    assert "tanaka" in caught.value.hint
    with pytest.raises(UsageError, match="unknown adaptation"):
        adaptation_channels("tanka")
