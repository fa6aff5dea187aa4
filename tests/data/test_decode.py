import io
import random
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, features

from pixelveil.data.decode import decode_image, image_shape
from pixelveil.errors import ImageError, UsageError

RNG = np.random.default_rng(7)
COLORS = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)

# What an upright picture looks like in a file with each EXIF orientation (EXIF 2.32, tag 0x0112).
STORED_AS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


def save(tmp_path, image, name="a.png", **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


@pytest.mark.parametrize("orientation", STORED_AS)
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_exif_orientation_is_applied(tmp_path, name, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED_AS[orientation](COLORS)))
    options = {"lossless": True} if name == "a.webp" else {}
    path = save(tmp_path, stored, name, exif=exif, **options)
    assert np.array_equal(decode_image(path), COLORS)
    assert image_shape(path) == COLORS.shape


def test_a_rotated_jpeg_stands_upright_also_with_a_size(tmp_path):
    upright = Image.fromarray(np.kron(COLORS, np.ones((40, 40, 1), np.uint8)))
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path, upright.rotate(90, expand=True), "a.jpg", exif=exif, quality=95, subsampling=0)
    assert np.abs(decode_image(path).astype(int) - np.asarray(upright)).mean() < 4
    assert image_shape(path) == (240, 360, 3)
    expected = np.asarray(upright.resize((45, 30), Image.Resampling.BICUBIC).crop((8, 0, 38, 30)))
    assert np.abs(decode_image(path, size=30).astype(int) - expected).mean() < 6


def test_sixteen_bits_keep_full_scale(tmp_path):
    values = RNG.integers(0, 65536, (5, 7)).astype(np.uint16)
    values[0, :2] = 0, 65535
    expected = np.repeat(np.rint(values / 257)[..., None], 3, axis=2)
    for name in ("a.png", "a.tif"):
        assert np.array_equal(decode_image(save(tmp_path, Image.fromarray(values), name)), expected)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_are_laid_on_white(tmp_path, mode):
    channels = len(mode)
    pixels = RNG.integers(0, 256, (5, 7, channels), dtype=np.uint8)
    color, alpha = pixels[..., :-1].astype(float), pixels[..., -1:] / 255
    expected = np.broadcast_to(color * alpha + 255 * (1 - alpha), (5, 7, channels - 1))
    result = decode_image(save(tmp_path, Image.fromarray(pixels, mode)))
    assert np.abs(result - expected).max() <= 1


def test_a_transparent_palette_entry_is_white(tmp_path):
    image = Image.new("P", (4, 3), 1)
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((2, 1), 0)
    pixels = decode_image(save(tmp_path, image, transparency=0))
    assert pixels[1, 2].tolist() == [255, 255, 255]
    assert pixels[0, 0].tolist() == [40, 50, 60]


def test_gray_bits_and_cmyk_become_rgb(tmp_path):
    gray = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
    assert np.array_equal(decode_image(save(tmp_path, Image.fromarray(gray))), np.repeat(gray[..., None], 3, 2))
    bits = Image.fromarray(gray > 99)
    assert np.array_equal(decode_image(save(tmp_path, bits, "b.png"))[..., 0], np.where(gray > 99, 255, 0))
    cmyk = save(tmp_path, Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "c.jpg", quality=100)
    assert np.abs(decode_image(cmyk).astype(int) - [0, 255, 255]).max() < 12


def test_what_only_the_owner_can_decide_is_refused(tmp_path):
    ramp = np.arange(12, dtype=np.float32).reshape(3, 4)
    with pytest.raises(ImageError, match="floating-point"):
        decode_image(save(tmp_path, Image.fromarray(ramp), "a.tif"))
    with pytest.raises(ImageError, match="32-bit"):
        decode_image(save(tmp_path, Image.fromarray(ramp.astype(np.int32) * 100_000), "b.tif"))
    frames = [Image.new("L", (4, 4), level) for level in (0, 99)]
    for name in ("c.gif", "d.tif", "e.png"):
        with pytest.raises(ImageError, match="several frames"):
            decode_image(save(tmp_path, frames[0], name, save_all=True, append_images=frames[1:]))


def jpeg(**options):
    content = io.BytesIO()
    Image.fromarray(np.kron(COLORS, np.ones((16, 16, 1), np.uint8))).save(content, "JPEG", **options)
    return content.getvalue()


def png_that_promises(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


BAD = {
    "empty.jpg": (b"", "not an image"),
    "text.jpg": (b"Dear colleague, the scans are attached.\n" * 9, "not an image"),
    "zeros.png": (bytes(500), "not an image"),
    "truncated.jpg": (jpeg()[:900], "cannot be decoded"),
    "huge.png": (png_that_promises(30_000, 30_000), "more than the limit"),
    "no-pixels.png": (png_that_promises(30, 30), "cannot be decoded"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bad_file_is_one_clear_line(tmp_path, name):
    content, reason = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match=reason) as caught:
        decode_image(tmp_path / name)
    assert caught.value.message.startswith(f"{tmp_path / name}: ")
    assert "\n" not in caught.value.message


def test_a_missing_file_and_a_folder_are_image_errors(tmp_path):
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(ImageError, match="cannot be decoded") as caught:
            decode_image(path)
        assert caught.value.message.count(str(path)) == 1


@pytest.mark.parametrize("size", [0, -1, 8193])
def test_the_size_must_be_that_of_an_image(tmp_path, size):
    with pytest.raises(UsageError, match=f"size {size} is not between 1 and 8192 pixels"):
        decode_image(tmp_path / "a.png", size=size)


def small_files():
    """Return (name, bytes) of one valid image in every format that this Pillow can write."""
    formats = [("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.gif", "GIF"), ("a.bmp", "BMP"), ("a.tif", "TIFF")]
    formats += [("a.ppm", "PPM"), ("a.tga", "TGA"), ("a.pcx", "PCX"), ("a.sgi", "SGI")]
    formats += [("a.webp", "WEBP")] if features.check("webp") else []
    formats += [("a.jp2", "JPEG2000")] if features.check("jpg_2000") else []
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, kind in formats:
        content = io.BytesIO()
        options = {"exif": exif} if kind in ("PNG", "JPEG", "TIFF", "WEBP") else {}
        Image.fromarray(COLORS).save(content, kind, **options)
        yield name, content.getvalue()


def outcome(path):
    """Return the pixels, or the message of the only error that may come."""
    try:
        return decode_image(path, max_pixels=10_000)
    except ImageError as error:
        return error.message


SMALL_FILES = dict(small_files())


@pytest.mark.parametrize("name", SMALL_FILES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 6), keep=st.floats(0.2, 1))
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_give_pixels_or_an_image_error(tmp_path, name, seed, changes, keep):
    choice = random.Random(seed)
    damaged = bytearray(SMALL_FILES[name])
    for _ in range(changes):
        damaged[choice.randrange(len(damaged))] = choice.randrange(256)
    path = tmp_path / name
    path.write_bytes(damaged[: max(1, int(len(damaged) * keep))])
    result = outcome(path)
    if isinstance(result, str):
        assert "\n" not in result
    else:
        assert (result.dtype, result.ndim, result.shape[2]) == (np.uint8, 3, 3)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(width=st.integers(1, 60), height=st.integers(1, 60), size=st.integers(1, 40))
def test_size_gives_a_centered_square(tmp_path, width, height, size):
    columns = np.tile(np.linspace(0, 255, width)[None, :, None], (height, 1, 3)).astype(np.uint8)
    result = decode_image(save(tmp_path, Image.fromarray(columns)), size=size)
    assert result.shape == (size, size, 3)
    if width >= 8 and size >= 8:  # a crop off the center would shift the mean of a ramp
        assert abs(float(result.mean()) - float(columns.mean())) < 255 * 1.5 / min(width, height, size) + 2


def test_size_is_what_torchvision_does(tmp_path):
    transforms = pytest.importorskip("torchvision.transforms")
    same = transforms.Compose(
        [transforms.Resize(32, interpolation=transforms.InterpolationMode.BICUBIC), transforms.CenterCrop(32)]
    )
    for width, height in ((90, 57), (41, 100), (32, 77), (20, 19)):
        image = Image.fromarray(RNG.integers(0, 256, (height, width, 3), dtype=np.uint8))
        assert np.array_equal(decode_image(save(tmp_path, image), size=32), np.asarray(same(image)))


def test_reading_a_jpeg_at_a_reduced_scale_hardly_changes_it(tmp_path):
    noise = RNG.integers(0, 256, (25, 30, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize((1200, 1000), Image.Resampling.BICUBIC)
    small = decode_image(save(tmp_path, image, "a.jpg", quality=95), size=100)
    full = decode_image(save(tmp_path, Image.open(tmp_path / "a.jpg"), "a.png"), size=100)
    assert np.abs(small.astype(int) - full).mean() < 1.5
