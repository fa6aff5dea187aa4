import pytest

from pixelveil.errors import UsageError
from pixelveil.schemes import SCHEMES, Scheme, create_scheme, list_schemes


def test_every_scheme_is_found_by_its_name():
    assert list_schemes() == tuple(sorted(SCHEMES))
    for name in list_schemes():
        scheme = create_scheme(name)
        assert isinstance(scheme, Scheme)
        assert (type(scheme), scheme.name) == (SCHEMES[name], name)


def test_every_scheme_class_of_the_package_is_in_the_catalogue():
    of_package = {kind for kind in Scheme.__subclasses__() if kind.__module__.startswith("pixelveil.schemes.")}
    assert of_package == set(SCHEMES.values())


def test_parameters_are_taken_over():
    scheme = create_scheme("vit-permutation", block_size=8, invert=False, key_policy="derived")
    assert scheme.parameters == {
        "block_size": 8,
        "invert": False,
        "key_policy": "derived",
        "per_block": False,
        "scramble_blocks": True,
        "shuffle": True,
    }
    assert scheme == create_scheme("vit-permutation", key_policy="derived", invert=False, block_size=8)
    assert scheme != create_scheme("vit-permutation", key_policy="derived", invert=False)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("rot13", {}, f"unknown scheme 'rot13' (one of: {', '.join(list_schemes())})"),
        ("", {}, "unknown scheme ''"),
        ("skk", {"block_size": 4}, "skk has no parameter 'block_size' (it has: key_policy, shuffle, flip)"),
        ("vit-permutation", {"block_size": "4"}, "vit-permutation: block_size must be int, not '4'"),
        ("vit-permutation", {"block_size": 4.0}, "block_size must be int, not 4.0"),
        ("vit-permutation", {"block_size": True}, "block_size must be int, not True"),
        ("vit-permutation", {"block_size": None}, "block_size must be int, not None"),
        ("vit-permutation", {"block_size": 0}, "block_size must be positive, not 0"),
        ("vit-orthogonal", {"block_size": -4}, "block_size must be positive, not -4"),
        ("vit-permutation", {"block_size": 1025}, "block_size must be at most 1024, not 1025"),
        ("vit-orthogonal", {"block_size": 65}, "block_size must be at most 64, not 65"),
        ("skk", {"name": "x"}, "skk has no parameter 'name'"),
        ("skk-g", {"sigma": 10**400}, "skk-g: sigma must be at most 2,147,483,648"),
        ("svd-wang", {"levels": 1 << 17}, "quantization needs 2 to 65,536 levels, not 131072"),
        ("svd-wang", {"size": 10**9}, "size must be 1 to 65,536, or 0 to keep the width, not 1000000000"),
        ("svd-wang", {"noise": 1e300}, "the standard deviation of noise must be 0 to 1,000,000.0, not 1e+300"),
        ("masked-image", {"smoothing": 1e9}, "smoothing must be 0 to 100 pixels, not 1000000000.0"),
        ("neuracrypt", {"block_size": 65}, "block_size must be 1 to 64, not 65"),
        ("etc-color", {"asset": 1}, "asset must be an asset or its digest, not 1"),
        ("vit-permutation", {"invert": 1}, "invert must be bool, not 1"),
        ("skk", {"shuffle": "sometimes"}, "shuffle must be 'per_pixel', 'per_image' or 'none', not 'sometimes'"),
        ("skk", {"key_policy": b"shared"}, "key_policy must be str, not b'shared'"),
        (
            "vit-permutation",
            {"shuffle": False, "invert": False, "scramble_blocks": False},
            "vit-permutation with every step switched off hides nothing",
        ),
    ],
)
def test_what_is_wrong_is_named(name, parameters, message):
    with pytest.raises(UsageError) as caught:
        create_scheme(name, **parameters)
    assert message in str(caught.value)
