import numpy as np
import pytest
from scipy import ndimage

from pixelveil.attacks import Budget, Evidence
from pixelveil.attacks.learned.sia_gan import SiaGan
from pixelveil.attacks.measures import edge_correlation
from pixelveil.errors import UsageError
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme

FEW = {"batch": 8, "channels": 2, "width": 4, "judge_width": 4}


def pictures(count, *, seed, side=16):
    """Smooth pictures with dark and bright parts, lighter above."""
    values = np.random.default_rng(seed).normal(size=(count, side, side, 3))
    values = ndimage.gaussian_filter(values, (0, 2, 2, 0.7)) * 12 + np.linspace(0.5, -0.5, side)[:, None, None]
    return np.clip(60 * np.exp(values / 2), 0, 255).astype(np.uint8)


VICTIMS, PUBLIC = pictures(120, seed=0), pictures(300, seed=1)
NOISE = np.random.default_rng(2).integers(256, size=VICTIMS.shape, dtype=np.uint8)


def evidence(scheme, images=VICTIMS, *, shape=(16, 16, 3), public=PUBLIC):
    encrypted = scheme.encrypt(images, key=Key.generate()).images
    return Evidence(scheme=scheme, ciphertexts=encrypted, shape=shape, victims=40, public=public)


def edges(found):
    return float(edge_correlation(found.images, VICTIMS[:40]).mean())


def test_shared_pixel_keys_are_read_and_noise_is_not():
    scheme, attack = create_scheme("smkk"), SiaGan(steps=10, **FEW)
    found = attack.run(evidence(scheme))
    assert edges(found) > 0.8
    assert abs(edges(attack.run(evidence(scheme, NOISE)))) < 0.1
    assert found.facts["steps"] == 10
    assert found.facts["published_steps"] == 78_200
    assert "no evidence of resistance" in found.facts["training"]
    assert found.facts["at_the_ends"] < 0.2


def test_blocks_under_one_key_show_their_brightness():
    found = SiaGan(steps=4, **FEW).run(evidence(create_scheme("tanaka-le", block_size=2)))
    assert edges(found) > 0.2


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("etc-gray", {}),
        ("vit-orthogonal", {"block_size": 8}),
        ("svd-wang", {}),
        ("neuracrypt", {"block_size": 8, "hidden": 32}),
    ],
)
@pytest.mark.parametrize("start", [True, False])
def test_every_kind_of_ciphertext(name, parameters, start):
    found = SiaGan(steps=2, start=start, **FEW).run(evidence(create_scheme(name, **parameters)))
    assert (found.images.shape, found.images.dtype) == ((40, 16, 16, 3), np.uint8)
    assert found.facts["steps"] == 2
    assert found.facts["start"] == ("moments" if start else "none")


def test_the_same_seed_reads_the_same_and_time_ends_it():
    case = evidence(create_scheme("smkk"))
    one, other = (SiaGan(steps=3, **FEW).run(case).images for _ in range(2))
    np.testing.assert_array_equal(one, other)
    spent = SiaGan(**FEW).run(case, budget=Budget(seconds=0))
    assert spent.facts["steps"] == 0
    assert edges(spent) > 0.8  # what arithmetic gives


def test_memory_narrows_it_and_may_be_too_little():
    case = evidence(create_scheme("smkk"))
    assert SiaGan(steps=1, **FEW).run(case, budget=Budget(megabytes=0.05)).facts["channels"] == 1
    with pytest.raises(UsageError, match=r"needs .* MB for cells of 768 values"):
        SiaGan(steps=1, **FEW).run(evidence(create_scheme("svd-wang")), budget=Budget(megabytes=1))


def test_what_it_needs():
    assert "a key of its own" in SiaGan().obstacle(create_scheme("skk"))
    assert "a key of its own" in SiaGan().obstacle(create_scheme("huang"))
    assert SiaGan().obstacle(create_scheme("instahide"))
    for name in ("smkk", "tanaka-le", "madono-ele", "etc-color", "vit-orthogonal", "svd-wang", "gan-transform"):
        assert SiaGan().obstacle(create_scheme(name)) == ""
    with pytest.raises(UsageError, match="needs public images"):
        SiaGan().run(evidence(create_scheme("smkk"), public=None))
