import io
import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pixelveil.errors import UsageError
from pixelveil.schemes import create_scheme
from pixelveil.schemes.asset import Asset
from pixelveil.schemes.fitting import fit_asset

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))

SHAPE = (16, 32, 3)


def scheme_for(pool, **parameters):
    scheme = create_scheme("pixel-block-mixing", **parameters)
    return scheme.bind(fit_asset(scheme, images=pool))


def own_blocks(made, plain, *, rows=2, columns=8):
    """Which blocks are the image's own, bool (n, blocks)."""
    count, height, width, _ = made.shape
    cut = (made == plain).reshape(count, rows, height // rows, columns, width // columns, -1)
    return cut.all(axis=(2, 4, 5)).reshape(count, -1)


def test_half_of_the_blocks_are_shown_in_clear():
    """The known weakness, asserted; 16,000 blocks, five standard deviations."""
    scheme = scheme_for(checks.noise(20, SHAPE, seed=1))
    plain = checks.noise(1000, SHAPE, seed=2)
    shown = own_blocks(scheme.encrypt(plain).images, plain)
    assert abs(shown.mean() - 0.5) < 5 * 0.5 / math.sqrt(shown.size)


def test_every_block_is_one_of_the_image_or_of_the_pool_at_its_place():
    pool = checks.noise(12, SHAPE, seed=1)
    scheme = scheme_for(pool)
    plain = checks.noise(1, SHAPE)[0]
    made = scheme.encrypt(plain).images
    known = np.stack([plain, *pool])
    sources = own_blocks(known, made[None])
    assert sources.any(axis=0).all()
    donors = {int(place) for place in sources[1:].argmax(axis=0)[~sources[0]]}
    assert len(donors) <= 10


def test_a_few_encryptions_give_the_image_back():
    """The most frequent block at each place is the image's own: 30 encryptions, all of it."""
    scheme = scheme_for(checks.noise(20, SHAPE, seed=1))
    plain = checks.noise(1, SHAPE)
    made = scheme.encrypt(np.repeat(plain, 30, axis=0)).images
    back = np.empty_like(plain[0])
    for top in range(0, 16, 8):
        for left in range(0, 32, 4):
            blocks = made[:, top : top + 8, left : left + 4]
            kinds, counts = np.unique(blocks.reshape(30, -1), axis=0, return_counts=True)
            back[top : top + 8, left : left + 4] = kinds[counts.argmax()].reshape(8, 4, 3)
    np.testing.assert_array_equal(back, plain[0])


def test_two_encryptions_differ_and_no_key_is_asked_for():
    scheme = scheme_for(checks.noise(20, SHAPE, seed=1))
    plain = checks.noise(2, SHAPE)
    first, second = scheme.encrypt(plain), scheme.encrypt(plain)
    assert scheme.randomized
    assert (first.images != second.images).any(axis=(1, 2, 3)).all()
    assert (first.key_policy, first.fingerprint, first.nonces) == ("none", "", None)
    with pytest.raises(UsageError, match="nobody can decrypt"):
        scheme.decrypt(first, key=checks.key_of())


def test_results_survive_jpeg_as_plain_images_do():
    pool = np.stack([np.roll(checks.scene(64), 5 * turn, axis=1) for turn in range(12)])
    plain = checks.scene(64)
    made = scheme_for(pool).encrypt(plain).images

    def worst(image):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=95, subsampling=0)
        return np.abs(np.asarray(Image.open(file)).astype(int) - image).mean()

    assert create_scheme("pixel-block-mixing").jpeg_obstacle == ""
    assert worst(made) < 2 * worst(plain) + 1


def test_sizes_and_pools_that_do_not_fit_are_refused():
    scheme = scheme_for(checks.noise(12, SHAPE))
    for shape in ((16, 16, 3), (16, 32, 1)):
        with pytest.raises(UsageError, match="those of the pool 16x32 with 3"):
            scheme.encrypt(checks.noise(1, shape))
        with pytest.raises(UsageError, match="those of the pool"):
            scheme.encrypted_shape(shape)
    with pytest.raises(UsageError, match="at least 10 images, not 9"):
        scheme_for(checks.noise(9, SHAPE))
    small = Asset(scheme="pixel-block-mixing", kind="pool", arrays={"images": checks.noise(9, SHAPE)})
    with pytest.raises(UsageError, match="at least 10 images"):
        create_scheme("pixel-block-mixing", asset=small)
    for probability in (0.0, 1.5, -0.1):
        with pytest.raises(UsageError, match="probability must be above 0"):
            create_scheme("pixel-block-mixing", probability=probability)
    with pytest.raises(UsageError, match="grid of 20 x 8 blocks"):
        scheme_for(checks.noise(12, SHAPE), rows=20).encrypt(checks.noise(1, SHAPE))
