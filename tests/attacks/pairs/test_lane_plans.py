import numpy as np
import pytest

from pixelveil import create_scheme
from pixelveil.attacks import Budget
from pixelveil.attacks.controls import aes_noise, negative_control
from pixelveil.attacks.evaluate import score
from pixelveil.attacks.measures import ssim
from pixelveil.attacks.pairs.lane_plans import KnownPlaintextLanes
from pixelveil.errors import UsageError

# Scheme, parameters, pairs, and the share of values of other images that must come back exactly.
EXACT = [
    ("skk", {"key_policy": "shared", "shuffle": "none"}, 1, 1.0),
    ("skk", {"key_policy": "shared", "shuffle": "per_image"}, 1, 1.0),
    ("smkk", {}, 2, 0.999),
    ("tanaka-le", {}, 1, 1.0),
    ("madono-ele", {}, 16, 0.998),
    ("etc-color", {"block_size": 4}, 2, 1.0),
    ("etc-gray", {"block_size": 4}, 4, 0.999),
    ("vit-permutation", {"block_size": 4}, 2, 1.0),
    ("vit-permutation", {"block_size": 4, "per_block": True}, 8, 0.999),
    ("vit-restricted", {"block_size": 4}, 2, 1.0),
    ("vit-compressible", {"block_size": 8, "sub_block_size": 4}, 3, 0.999),
    ("vit-compressible", {"block_size": 8, "sub_block_size": 4, "per_block": True}, 3, 0.999),
]


@pytest.mark.parametrize(("name", "parameters", "pairs", "least"), EXACT)
def test_other_images_come_back(small, held, name, parameters, pairs, least):
    found = KnownPlaintextLanes().run(held(create_scheme(name, **parameters), small, pairs=pairs))
    assert (found.images == small[pairs:]).mean() >= least
    assert found.facts["pairs"] == pairs
    assert found.facts["explained"] > 0.999


def test_one_photograph_gives_the_whole_key_of_a_vision_transformer(photographs, held):
    plain = photographs(224)[:2]
    found = KnownPlaintextLanes().run(held(create_scheme("vit-permutation"), plain, pairs=1))
    np.testing.assert_array_equal(found.images, plain[1:])
    assert found.facts["certain"] == 1


def test_one_pair_of_pixel_keys(small, held):
    found = KnownPlaintextLanes().run(held(create_scheme("smkk"), small, pairs=1))
    assert (found.images == small[1:]).mean() > 0.9
    assert ssim(found.images, small[1:]).mean() > 0.75
    assert 0.8 < found.facts["certain"] < 1


def test_ele_needs_some_pairs(small, held):
    found = [
        float(
            ssim(KnownPlaintextLanes().run(held(create_scheme("madono-ele"), small, pairs=q)).images, small[q:]).mean()
        )
        for q in (1, 4, 8)
    ]
    assert found == sorted(found)
    assert found[0] < 0.3 < 0.8 < found[1]
    assert found[2] > 0.95


def test_padded_and_gray_images(small, held):
    for scheme, images in (
        (create_scheme("tanaka-le"), small[:, :30, :29]),
        (create_scheme("etc-gray", block_size=4), small[:, :30, :29]),
        (create_scheme("vit-permutation", block_size=4), small[..., :1]),
        (create_scheme("smkk"), small[..., :1]),
    ):
        found = KnownPlaintextLanes().run(held(scheme, images, pairs=6))
        assert (found.images == images[6:]).mean() > 0.99, scheme.name


def test_flat_images_tell_nothing_and_are_no_trouble(small, held):
    plain = np.concatenate([np.full((1, 32, 32, 3), 90, np.uint8), small])
    for name in ("smkk", "tanaka-le", "madono-ele", "etc-color"):
        found = KnownPlaintextLanes().run(held(create_scheme(name), plain, pairs=1))
        assert found.facts["certain"] < 0.1, name
        assert found.images.shape == small.shape


def test_noise_comes_back_as_noise(small, held):
    scheme = create_scheme("vit-permutation", block_size=4)
    evidence = held(scheme, small, pairs=2)
    found = score(KnownPlaintextLanes().run(negative_control(evidence, encrypt=evidence.oracle)), small[2:])
    assert abs(found.mean("ssim")) < 0.05
    unrelated = held(scheme, aes_noise(len(small), small.shape[1:]))
    wrong = KnownPlaintextLanes().run(
        type(evidence)(
            scheme=scheme,
            ciphertexts=evidence.ciphertexts,
            shape=evidence.shape,
            victims=evidence.victims,
            pairs=type(evidence.pairs)(plain=small[:2], encrypted=unrelated.ciphertexts[:2]),
        )
    )
    assert wrong.facts["explained"] < 0.2
    assert ssim(wrong.images, small[2:]).mean() < 0.2


def test_no_time_at_all(small, held):
    found = KnownPlaintextLanes().run(held(create_scheme("madono-ele"), small, pairs=4), budget=Budget(seconds=0))
    assert found.images.shape == small[4:].shape


def test_what_is_refused(small, held):
    with pytest.raises(UsageError, match="key of its own"):
        KnownPlaintextLanes().run(held(create_scheme("skk"), small, pairs=1))
    with pytest.raises(UsageError, match="tell nothing about images of"):
        KnownPlaintextLanes().run(held(create_scheme("smkk"), small, pairs=0))
