import numpy as np
import pytest
from scipy import ndimage

from pixelveil.attacks import Budget, Evidence
from pixelveil.attacks.learned.gan_attack import GanAttack
from pixelveil.attacks.measures import edge_correlation
from pixelveil.errors import UsageError
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme

FEW = {"batch": 16, "width": 4, "features": 2, "judge_width": 4}


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
    scheme, attack = create_scheme("smkk"), GanAttack(steps=20, **FEW)
    found = attack.run(evidence(scheme))
    assert edges(found) > 0.8
    assert abs(edges(attack.run(evidence(scheme, NOISE)))) < 0.1
    assert found.facts["steps"] == 20
    assert found.facts["published_steps"] == 19_500
    assert "no evidence of resistance" in found.facts["training"]
    assert found.facts["at_the_ends"] < 0.2
    assert found.facts["deviation"] > 10


def test_it_learns_without_a_start_too():
    """Published as it is: from nothing, the discriminator alone tells the generator that images are no noise."""
    inverted = np.random.default_rng(9).integers(2, size=(16, 16, 3), dtype=np.uint8) * 255  # a key, the same each time
    attack = GanAttack(steps=160, start=False, batch=16, width=16, judge_width=8)
    found, control = (
        attack.run(
            Evidence(
                scheme=create_scheme("smkk", shuffle="none"),
                ciphertexts=images ^ inverted,
                shape=(16, 16, 3),
                victims=40,
                public=PUBLIC,
            ),
            budget=Budget(seconds=600),
        )
        for images in (VICTIMS, NOISE)
    )
    assert edges(found) > 0.25
    assert abs(edges(control)) < 0.1
    assert found.facts["start"] == "none"
    assert found.facts["at_the_ends"] < 0.2


def test_a_key_for_each_image_starts_from_folded_values():
    found = GanAttack(steps=5, **FEW).run(evidence(create_scheme("skk", shuffle="none")))
    assert found.facts["start"] == "folded"
    assert edges(found) > 0.3


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("etc-gray", {}),
        ("tanaka-le", {}),
        ("vit-orthogonal", {"block_size": 8}),
        ("svd-wang", {}),
        ("neuracrypt", {"block_size": 8, "hidden": 32}),
        ("huang", {}),
        ("xor-stream", {}),
    ],
)
def test_every_kind_of_ciphertext(name, parameters):
    found = GanAttack(steps=2, **FEW).run(evidence(create_scheme(name, **parameters)))
    assert (found.images.shape, found.images.dtype) == ((40, 16, 16, 3), np.uint8)
    assert found.facts["steps"] == 2


def test_images_of_one_channel_and_odd_sizes():
    gray, public = (images[:, :13, :, :1].copy() for images in (VICTIMS, PUBLIC))
    for name in ("smkk", "tanaka-le"):
        case = evidence(create_scheme(name), gray, shape=(13, 16, 1), public=public)
        assert GanAttack(steps=2, **FEW).run(case).images.shape == (40, 13, 16, 1)


def test_the_same_seed_reads_the_same_and_time_ends_it():
    case, calls = evidence(create_scheme("smkk")), []
    one, other = (GanAttack(steps=4, **FEW).run(case).images for _ in range(2))
    np.testing.assert_array_equal(one, other)
    spent = GanAttack(**FEW).run(case, budget=Budget(seconds=0), advance=lambda *done: calls.append(done))
    assert (spent.facts["steps"], calls) == (0, [])
    assert edges(spent) > 0.8  # what arithmetic gives


def test_what_it_needs():
    assert "several images" in GanAttack().obstacle(create_scheme("instahide"))
    for name in ("skk", "huang", "tanaka-le", "etc-color", "vit-orthogonal", "svd-wang", "xor-stream"):
        assert GanAttack().obstacle(create_scheme(name)) == ""
    with pytest.raises(UsageError, match="needs public images"):
        GanAttack().run(evidence(create_scheme("smkk"), public=None))
    with pytest.raises(UsageError, match="needs 50 ciphertexts, not 45"):
        GanAttack().run(evidence(create_scheme("smkk"), VICTIMS[:45]))
