import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.schemes import create_scheme

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))

PUBLISHED = (224, 224, 3)


def fixed(source):
    return int((source == np.arange(len(source))).sum())


@pytest.mark.parametrize(
    ("parameters", "blocks", "values"),
    [({}, 120, 500), ({"fixed_blocks": 750, "fixed_values": 750}, 147, 576), ({"fixed_blocks": 1000}, 196, 500)],
)
def test_published_numbers_stay_fixed(parameters, blocks, values):
    """120 of 196 blocks and 500 of 768 values stay; by chance, of what moves, a place in e or so stays too."""
    plan = create_scheme("vit-restricted", **parameters).plan(key=checks.key_of(), shape=PUBLISHED)
    assert values <= fixed(plan.source[0, 0]) <= values + 5
    assert blocks <= fixed(plan.block_order[0]) <= blocks + 5
    assert sorted(plan.source[0, 0]) == list(range(768))
    assert sorted(plan.block_order[0]) == list(range(196))
    assert not plan.flip.any()


def test_which_places_stay_is_part_of_the_key():
    scheme = create_scheme("vit-restricted")
    plans = [scheme.plan(key=checks.key_of(root), shape=PUBLISHED) for root in (checks.ROOT, bytes(32))]
    stay = [set(np.flatnonzero(plan.block_order[0] == np.arange(196))) for plan in plans]
    # Two independent choices of 120 of 196 share 73.5 on average.
    assert 60 < len(stay[0] & stay[1]) < 90


def test_key_space_counts_the_fixed_places_as_secret():
    """553 bits of blocks and 2,491 of values."""
    values, blocks = create_scheme("vit-restricted").steps()
    assert blocks.key_bits(shape=PUBLISHED) == pytest.approx(553, abs=0.5)
    assert values.key_bits(shape=PUBLISHED) == pytest.approx(2491, abs=0.5)
    assert create_scheme("vit-restricted").key_bits(PUBLISHED) == pytest.approx(3044, abs=1)


def test_disposable_keys():
    """Key policy "ephemeral": a key for each image, thrown away; no key is needed, and none decrypts."""
    scheme = create_scheme("vit-restricted", key_policy="ephemeral")
    images = np.repeat(checks.noise(1, (64, 64, 3)), 3, axis=0)
    encrypted = scheme.encrypt(images)
    assert len(np.unique(encrypted.images.reshape(3, -1), axis=0)) == 3
    assert (encrypted.fingerprint, encrypted.nonces) == ("", None)
    with pytest.raises(UsageError, match="thrown away"):
        scheme.decrypt(encrypted, key=checks.key_of())


def test_less_fixed_is_less_to_see():
    plain = checks.scene(224)

    def similar(**parameters):
        return checks.ssim(
            plain, create_scheme("vit-restricted", **parameters).encrypt(plain, key=checks.key_of()).images
        )

    published, light, whole = (
        similar(),
        similar(fixed_blocks=900, fixed_values=900),
        similar(fixed_blocks=1, fixed_values=1),
    )
    assert whole < published < light


@pytest.mark.parametrize("shape", [(32, 32, 3), (21, 18, 3), (16, 16, 1), (1, 1, 3)])
def test_parts_fit_any_size(shape):
    scheme, key = create_scheme("vit-restricted"), checks.key_of()
    plain = checks.noise(2, shape)
    np.testing.assert_array_equal(scheme.decrypt(scheme.encrypt(plain, key=key), key=key), plain)


def test_parts_are_checked():
    with pytest.raises(UsageError, match="in thousandths, 0 to 1000, not 1001"):
        create_scheme("vit-restricted", fixed_blocks=1001)
    with pytest.raises(UsageError, match="in thousandths, 0 to 1000, not 2000"):
        create_scheme("vit-restricted", fixed_values=2000)
    with pytest.raises(UsageError, match="vit-restricted with everything fixed hides nothing"):
        create_scheme("vit-restricted", fixed_blocks=1000, fixed_values=1000)
