import pytest

from pixelveil import create_scheme
from pixelveil.attacks.ciphertexts.single_pixels import channels_shuffled, filtered_after, leaves_pixels


@pytest.mark.parametrize("name", ["skk", "smkk", "huang", "skk-g", "xor-stream"])
def test_pixels_stay(name):
    assert leaves_pixels(create_scheme(name)) == ""


@pytest.mark.parametrize("name", ["tanaka-le", "madono-ele", "etc-color", "vit-orthogonal", "svd-wang"])
def test_pixels_move_or_mix(name):
    assert "none in their places" in leaves_pixels(create_scheme(name))


def test_it_depends_on_what_is_switched_on():
    inversion_only = {"shuffle": False, "scramble_blocks": False}
    assert leaves_pixels(create_scheme("vit-permutation", **inversion_only)) == ""
    for still in inversion_only:
        assert leaves_pixels(create_scheme("vit-permutation", **{**inversion_only, still: True})), still


def test_filters():
    assert filtered_after(create_scheme("huang"))
    assert not filtered_after(create_scheme("huang", order="pre"))
    assert not filtered_after(create_scheme("skk"))


def test_channels():
    assert channels_shuffled(create_scheme("skk"))
    assert channels_shuffled(create_scheme("xor-stream"))
    assert not channels_shuffled(create_scheme("skk", shuffle="per_image"))
    assert not channels_shuffled(create_scheme("vit-permutation", shuffle=False, scramble_blocks=False))
