import numpy as np
import pytest

from pixelveil.attacks.public_images.readings import (
    Reading,
    appearance,
    block_turns,
    color_readings,
    image_turns,
    likeliest,
    products,
    roughness,
)


def test_readings_are_as_many_as_they_look(victims):
    shown = victims[:2]
    for readings, number in (
        (color_readings(channels=3), 48),
        (color_readings(channels=3, orders=False), 8),
        (image_turns(square=True), 8),
        (image_turns(square=False), 4),
        (products(block_turns(block_size=4), color_readings(channels=3, jointly=True)), 96),
    ):
        assert len({read(shown).tobytes() for read in readings}) == len(readings) == number
        assert (readings[0](shown) == shown).all()
    gray = color_readings(channels=1)
    assert [bool((read(shown[..., :1]) == shown[..., :1]).all()) for read in gray] == [True, False]


def test_blocks_turn_in_their_places():
    image = np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1)
    turned = Reading(turn=1, block_size=4)(image)
    assert (turned[0, :4, 4:, 0] == np.rot90(image[0, :4, 4:, 0])).all()


def test_what_is_out_of_place_is_rough(victims):
    plain = roughness(victims)
    assert all(roughness(read(victims)) > plain for read in block_turns(block_size=4)[1:])


@pytest.mark.parametrize("wrong", [*color_readings(channels=3, jointly=True)[1:2], Reading(turn=2)])
def test_a_negative_or_a_picture_on_its_head_looks_it(victims, wrong):
    """The public images are of the same photographs here: what is asked is whether appearance tells at all."""
    readings = (Reading(), wrong)
    generator = np.random.default_rng(0)
    assert likeliest(victims[:150], readings, public=victims[150:], generator=generator) == readings[0]
    turned = wrong(victims[:150])
    assert (likeliest(turned, readings, public=victims[150:], generator=generator)(turned) == victims[:150]).all()


def test_appearance_has_a_row_for_each_image(victims):
    assert appearance(victims).shape == (300, 21)
    assert appearance(victims[..., :1]).shape == (300, 4)
