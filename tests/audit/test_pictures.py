import base64
import io
import stat

import numpy as np
import pytest
from PIL import Image

from pixelveil.audit.pictures import Strip, data_uri, for_display, png, read_pictures, write_pictures


def decoded(address):
    head, _, content = address.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_eight_bit_images_come_back_as_they_were(fakes):
    picture = fakes.pictures(1)[0]
    assert (decoded(data_uri(picture)) == picture).all()
    assert decoded(data_uri(picture, scale=3)).shape == (48, 48, 3)
    assert png(picture)[:4] == b"\x89PNG"


def test_floats_are_scaled_and_constant_ones_are_no_trouble():
    shown = for_display(np.linspace(-900, 900, 300).reshape(10, 10, 3))
    assert (shown.dtype, int(shown.min()), int(shown.max())) == (np.uint8, 0, 255)
    assert (for_display(np.full((4, 4, 3), 7.5)) == 0).all()


@pytest.mark.parametrize("shape", [(16, 16, 3), (16, 16, 1), (16, 48, 1), (4, 4, 768), (300, 200, 3), (8, 8, 2)])
def test_pictures_of_any_shape_are_kept(tmp_path, shape):
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)
    write_pictures(tmp_path / "a.pictures", [Strip(label="best", images=(image,) * 4)])
    ((label, addresses),) = read_pictures(tmp_path / "a.pictures")
    assert (label, len(addresses)) == ("best", 4)
    picture = decoded(addresses[0])
    assert picture.ndim == 3
    assert max(picture.shape[:2]) <= 112


def test_only_the_owner_may_read_them(tmp_path, fakes):
    write_pictures(tmp_path / "a", [Strip(label="best", images=(fakes.pictures(1)[0],))])
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{", "[3]", '[["best", ["http://elsewhere"]]]', '[["best", 3]]'])
def test_what_is_no_picture_is_left_out(tmp_path, text):
    (tmp_path / "a").write_text(text)
    assert read_pictures(tmp_path / "a") == ()
    assert read_pictures(tmp_path / "missing") == ()
