"""Settings come from a scheme and survive as JSON."""

import json

import pytest

from pixelveil.errors import UsageError
from pixelveil.models.adaptation.settings import AdaptationSettings, settings_for
from pixelveil.schemes import SCHEMES, create_scheme


@pytest.mark.parametrize("name", SCHEMES)
def test_the_settings_of_every_scheme_survive_a_checkpoint(name):
    settings = settings_for(create_scheme(name), image_size=64, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    options = json.loads(json.dumps(settings.options()))
    assert AdaptationSettings.of(options, image_size=64, mean=settings.mean, std=settings.std) == settings


def test_what_a_scheme_says():
    gray = settings_for(create_scheme("etc-gray"), image_size=32)
    assert (gray.planes, gray.block_size, gray.blocks, gray.entries) == ("side by side", 8, 4, "byte")
    assert settings_for(create_scheme("madono-ele"), image_size=32).entries == "nibble"
    assert settings_for(create_scheme("skk", shuffle="none"), image_size=32).ordered
    assert not settings_for(create_scheme("skk"), image_size=32).ordered


def test_what_cannot_be():
    with pytest.raises(UsageError, match="do not consist of blocks"):
        _ = AdaptationSettings(image_size=30, block_size=4).blocks
    with pytest.raises(UsageError, match="wheels"):
        AdaptationSettings.of({"wheels": 4}, image_size=32)
    with pytest.raises(UsageError, match="layout"):
        AdaptationSettings(image_size=32, entries="word")
    with pytest.raises(UsageError, match="at least 1"):
        AdaptationSettings(image_size=32, block_size=0)
