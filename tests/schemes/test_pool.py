import numpy as np
import pytest

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.schemes.asset import Asset
from pixelveil.schemes.pool import check_pool, make_pool

IMAGES = np.zeros((5, 4, 6, 3), np.uint8)


def test_a_pool_holds_the_images_and_its_file_is_the_owner_s(tmp_path):
    images = np.arange(IMAGES.size, dtype=np.uint32).astype(np.uint8).reshape(IMAGES.shape)
    pool = make_pool(images, scheme="pixel-block-mixing", least=5)
    pool.save(tmp_path / "pool")
    assert (tmp_path / "pool").stat().st_mode & 0o777 == 0o600
    read = Asset.load(tmp_path / "pool")
    assert (read.kind, read.digest) == ("pool", pool.digest)
    np.testing.assert_array_equal(read.arrays["images"], images)
    check_pool(read, least=5)


@pytest.mark.parametrize(
    ("images", "public", "message"),
    [
        (IMAGES[:4], None, "at least 5 images, not 4"),
        (IMAGES[0], None, r"uint8 \(n, H, W, C\), not uint8 \(4, 6, 3\)"),
        (IMAGES / 255, None, "not float64"),
        (IMAGES, IMAGES[:, :3], r"public images are \(3, 6, 3\), private ones \(4, 6, 3\)"),
        (IMAGES, IMAGES.astype(np.int64), "not int64"),
    ],
)
def test_what_is_no_pool_is_not_made(images, public, message):
    with pytest.raises(UsageError, match=message):
        make_pool(images, scheme="x", least=5, public=public)


@pytest.mark.parametrize(
    "arrays",
    [
        {"basis": IMAGES},
        {"images": IMAGES, "more": IMAGES},
        {"images": IMAGES.astype(np.float32)},
        {"images": IMAGES[0]},
        {"images": IMAGES, "public": IMAGES[:, :2]},
        {"public": IMAGES},
    ],
)
def test_what_is_no_pool_is_refused(arrays):
    with pytest.raises(IntegrityError, match="no pool of images"):
        check_pool(Asset(scheme="x", kind="pool", arrays=arrays), least=1)


def test_a_pool_too_small_is_refused():
    both = Asset(scheme="x", kind="pool", arrays={"images": IMAGES, "public": IMAGES[:2]})
    check_pool(both, least=5, public=2)
    with pytest.raises(UsageError, match="at least 5 images and 3 public ones, not 5 and 2"):
        check_pool(both, least=5, public=3)
    with pytest.raises(UsageError, match="at least 5 images and 1 public ones, not 5 and 0"):
        check_pool(Asset(scheme="x", kind="pool", arrays={"images": IMAGES}), least=5, public=1)
