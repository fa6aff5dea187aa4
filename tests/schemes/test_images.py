import sys

import numpy as np
import pytest
from PIL import Image

from pixelveil.errors import UsageError
from pixelveil.schemes.images import as_batch

RGB = np.arange(2 * 3 * 5 * 3, dtype=np.uint8).reshape(2, 3, 5, 3)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("single", [True, False])
def test_arrays_of_bytes_are_taken_as_they_are(channels, single):
    given = RGB[0, ..., :channels] if single else RGB[..., :channels]
    batch = as_batch(given)
    assert (batch.count, batch.shape, batch.unit, batch.on_device) == (
        1 if single else 2,
        (3, 5, channels),
        None,
        False,
    )
    np.testing.assert_array_equal(batch.images, given[None] if single else given)
    np.testing.assert_array_equal(batch.restore(batch.images), given)


@pytest.mark.parametrize(("dtype", "inside"), [("float16", "float32"), ("float32", "float32"), ("float64", "float64")])
def test_floats_become_grey_levels_and_floats_again(dtype, inside):
    given = (RGB / 255).astype(dtype)
    batch = as_batch(given)
    assert (str(batch.images.dtype), batch.unit) == (inside, 1 / 255)
    np.testing.assert_allclose(batch.images, RGB, atol=0.1)
    back = batch.restore(batch.images)
    assert back.dtype == given.dtype
    np.testing.assert_allclose(back, given, rtol=1e-3)
    assert (np.rint(batch.images) == RGB).all()


def test_floats_in_grey_levels_stay():
    batch = as_batch(RGB.astype(np.float32), in_grey_levels=True)
    assert batch.unit is None
    np.testing.assert_array_equal(batch.images, RGB)
    assert batch.restore(batch.images).dtype == np.float32


@pytest.mark.parametrize("dtype", ["uint8", "float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("single", [True, False])
def test_tensors_are_batches_of_arrays(dtype, single):
    torch = pytest.importorskip("torch")
    levels = torch.from_numpy(RGB).permute(0, 3, 1, 2)
    given = levels if dtype == "uint8" else (levels / 255).to(getattr(torch, dtype))
    given = given[0] if single else given
    batch = as_batch(given)
    assert (batch.count, batch.shape, batch.on_device) == (1 if single else 2, (3, 5, 3), False)
    assert (np.rint(batch.images) == RGB[: batch.count]).all()
    back = batch.restore(batch.images)
    assert (back.dtype, back.shape, back.is_contiguous()) == (given.dtype, given.shape, True)
    torch.testing.assert_close(back, given)


def test_gradients_are_no_part_of_images():
    torch = pytest.importorskip("torch")
    given = torch.rand(1, 3, 2, 2, requires_grad=True)
    batch = as_batch(given)
    assert not batch.restore(batch.images).requires_grad


def test_tensors_on_an_accelerator_stay_there():
    """The device "meta" computes shapes only, which is enough to see that nothing is copied to the processor."""
    torch = pytest.importorskip("torch")
    given = torch.empty((2, 3, 4, 5), device="meta")
    batch = as_batch(given)
    assert (batch.on_device, batch.count, batch.shape, batch.unit) == (True, 2, (4, 5, 3), 1 / 255)
    assert batch.restore(batch.images).device.type == "meta"
    bytes_only = as_batch(torch.empty((3, 4, 5), device="meta", dtype=torch.uint8))
    assert (bytes_only.count, bytes_only.unit) == (1, None)
    with pytest.raises(UsageError, match="not int32"):
        as_batch(torch.empty((3, 4, 5), device="meta", dtype=torch.int32))


@pytest.mark.parametrize(
    ("mode", "channels", "restored"),
    [("RGB", 3, "RGB"), ("L", 1, "L"), ("1", 1, "L"), ("P", 3, "RGB"), ("RGBA", 3, "RGB"), ("CMYK", 3, "RGB")],
)
def test_pil_images_are_gray_or_rgb(mode, channels, restored):
    image = Image.fromarray(RGB[0]).convert(mode)
    batch = as_batch(image)
    assert (batch.count, batch.shape, batch.holds_floats) == (1, (3, 5, channels), False)
    back = batch.restore(batch.images)
    assert back.mode == restored
    np.testing.assert_array_equal(np.asarray(back), np.asarray(image.convert(restored)))


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_pil_images_of_more_than_eight_bits_are_refused(mode):
    with pytest.raises(UsageError, match="more than 8 bits a channel"):
        as_batch(Image.new(mode, (4, 4)))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (None, "cannot encrypt NoneType"),
        ([[1, 2, 3]], "cannot encrypt list"),
        (RGB[0, 0], "not (5, 3)"),
        (RGB[None], "not (1, 2, 3, 5, 3)"),
        (RGB[..., :2], "with 1 or 3 channels, not (2, 3, 5, 2)"),
        (RGB.transpose(0, 3, 1, 2), "not (2, 3, 3, 5)"),
        (RGB.astype(bool), "not bool"),
        (RGB.astype(np.int64), "not int64"),
        (RGB[:, :0], "images of 0x5 pixels are empty"),
        (RGB[:, :, :0], "images of 3x0 pixels are empty"),
    ],
)
def test_what_is_no_batch_of_images_is_refused(images, message):
    with pytest.raises(UsageError) as caught:
        as_batch(images)
    assert message in str(caught.value)


def test_tensors_of_other_shapes_are_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(UsageError, match=r"tensors must be \(C, H, W\) or \(N, C, H, W\)"):
        as_batch(torch.zeros((2, 3, 5, 4), dtype=torch.uint8).permute(0, 2, 3, 1))
    with pytest.raises(UsageError, match="tensors must be"):
        as_batch(torch.zeros((3, 5), dtype=torch.uint8))
    with pytest.raises(UsageError, match="images of 0x5 pixels are empty"):
        as_batch(torch.zeros((3, 0, 5), dtype=torch.uint8))


def test_pytorch_is_not_looked_for(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with pytest.raises(UsageError, match="cannot encrypt object"):
        as_batch(object())
    assert "torch" not in sys.modules
