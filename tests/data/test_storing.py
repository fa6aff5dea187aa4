"""JPEG, float16 and scaled bytes: what is refused with which reason, and what comes back."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from pixelveil.data import (
    decode_image,
    decrypt_folder,
    describe_folder,
    encrypt_folder,
    find_faults,
    loss_of_folder,
    open_images,
)
from pixelveil.data.manifest import Manifest
from pixelveil.data.storing import Storing, choose_storing
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme, create_scheme
from pixelveil.schemes.catalogue import SCHEMES
from pixelveil.steps import BlockRotation, BlockScramble, NegativePositive

FLOATS = create_scheme("vit-orthogonal", block_size=8)
BYTES = create_scheme("vit-permutation", block_size=8)


@dataclass(frozen=True, kw_only=True)
class Tiles(Scheme):
    """Whole blocks move, turn and are inverted: it survives JPEG."""

    name: ClassVar[str] = "tiles"
    jpeg_obstacle: ClassVar[str] = ""

    block_size: int = 16

    def steps(self):
        block = self.block_size
        return (
            BlockScramble(block_size=block),
            BlockRotation(block_size=block),
            NegativePositive(scope="block", block_size=block),
        )


@dataclass(frozen=True, kw_only=True)
class GrayTiles(Tiles):
    """The same on three planes side by side."""

    name: ClassVar[str] = "gray-tiles"
    planes: ClassVar[str] = "side by side"

    block_size: int = 8


@dataclass(frozen=True, kw_only=True)
class SmallTiles(Tiles):
    """Blocks of 16 whose parts of 8 move."""

    name: ClassVar[str] = "small-tiles"

    sub_block_size: int = 8


@pytest.fixture(autouse=True)
def known(monkeypatch):
    for scheme in (Tiles, GrayTiles):
        monkeypatch.setitem(SCHEMES, scheme.name, scheme)


@pytest.fixture
def smooth(tmp_path):
    """Six smooth pictures of 32x48, which JPEG keeps well."""
    rows, columns = np.mgrid[:32, :48]
    for number in range(6):
        waves = [128 + 100 * np.sin((rows * (c + 1) + columns * (number + 1)) / 30) for c in range(3)]
        path = tmp_path / "plain" / ("a", "b")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.stack(waves, axis=-1).astype(np.uint8)).save(path)
    return tmp_path / "plain"


def psnr(back, plain):
    """Return the peak signal-to-noise ratio of all images of two folders, in decibels."""
    paths = sorted(path.relative_to(plain) for path in plain.rglob("*.png"))
    assert paths == sorted(path.relative_to(back) for path in back.rglob("*.png"))
    errors = [decode_image(back / path).astype(float) - decode_image(plain / path) for path in paths]
    return 10 * np.log10(255**2 / np.mean(np.square(errors)))


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("policy", ["shared", "derived"])
@pytest.mark.parametrize(
    ("scheme", "mode", "subsampling", "least"),
    [(Tiles, "RGB", "4:4:4", 35), (Tiles, "RGB", "4:2:0", 28), (GrayTiles, "L", None, 35)],
    ids=["color 4:4:4", "color 4:2:0", "gray"],
)
def test_jpeg_folders_are_written_verified_read_and_decrypted(
    smooth, tmp_path, key, scheme, policy, mode, subsampling, least
):
    chosen, out = scheme(key_policy=policy), tmp_path / "out"
    encrypt_folder(smooth, out, key=key, scheme=chosen, storage="jpeg", quality=95, subsampling=subsampling)
    header, rows = Manifest.open(out).header, list(Manifest.open(out).rows())
    assert (header.storage, header.dtype, header.quality, header.subsampling) == ("jpeg", "uint8", 95, subsampling)
    assert find_faults(out, key=key) == ()
    for place, row in enumerate(rows):
        with Image.open(out / row.file) as picture:
            assert (picture.format, picture.mode) == ("JPEG", mode)
            assert np.array_equal(np.atleast_3d(np.asarray(picture)), open_images(out).read([place])[0])
    assert {row.file.rpartition("/")[0] for row in rows} == {"a", "b"}
    decrypt_folder(out, tmp_path / "back", key=key)
    assert least < psnr(tmp_path / "back", smooth) < 60
    assert loss_of_folder(out).startswith("went through JPEG (quality 95")


def test_quality_and_subsampling_are_those_asked_for(smooth, tmp_path, key):
    sizes = {}
    for quality, subsampling in ((50, "4:4:4"), (90, "4:4:4"), (90, "4:2:0")):
        out = tmp_path / f"{quality}{subsampling[2]}"
        encrypt_folder(smooth, out, key=key, scheme=Tiles(), storage="jpeg", quality=quality, subsampling=subsampling)
        sizes[quality, subsampling] = sum(row.size for row in Manifest.open(out).rows())
        with Image.open(out / next(Manifest.open(out).rows()).file) as picture:
            assert picture.layer[0][1:3] == ((2, 2) if subsampling == "4:2:0" else (1, 1))
    assert sizes[50, "4:4:4"] < sizes[90, "4:4:4"] > sizes[90, "4:2:0"]


def test_the_same_job_writes_the_same_jpeg_bytes(smooth, tmp_path, key):
    class StopError(Exception):
        pass

    def stop(done, total):
        if done == 4:
            raise StopError

    out, again = tmp_path / "out", tmp_path / "again"
    job = {"key": key, "scheme": Tiles(), "storage": "jpeg", "shard_size": 2}
    with pytest.raises(StopError):
        encrypt_folder(smooth, out, workers=1, advance=stop, **job)
    (again / ".job").mkdir(parents=True)
    (again / ".job" / "job.json").write_bytes((out / ".job" / "job.json").read_bytes())
    assert encrypt_folder(smooth, out, **job).finished_before > 0
    encrypt_folder(smooth, again, **job)
    assert files(out) == files(again)
    with pytest.raises(UsageError, match="another quality"):
        encrypt_folder(smooth, out, quality=80, **job)


def test_an_image_that_jpeg_cannot_hold_is_listed(smooth, tmp_path, key):
    Image.new("RGB", (21_840, 1)).save(smooth / "a" / "wide.png")  # three planes of it are too wide
    Image.new("RGB", (21_824, 1)).save(smooth / "a" / "just.png")
    report = encrypt_folder(smooth, tmp_path / "out", key=key, scheme=GrayTiles(), storage="jpeg")
    assert (report.images, report.rejected) == (7, 1)
    assert "at most 65500 pixels a side" in report.rejected_file.read_text()


REFUSALS = [
    (BYTES, {"storage": "jpeg"}, "vit-permutation does not survive JPEG: "),
    (FLOATS, {"storage": "jpeg"}, "floats, which JPEG cannot hold"),
    (FLOATS, {"storage": "jpeg", "dtype": "scaled8"}, "floats, which JPEG cannot hold"),
    (Tiles(), {"storage": "jpeg", "quality": 0}, "quality 0 is not from 1 to 100"),
    (Tiles(), {"storage": "jpeg", "quality": 101}, "quality 101 is not from 1 to 100"),
    (Tiles(), {"storage": "jpeg", "subsampling": "4:2:2"}, "choose one of: 4:4:4, 4:2:0"),
    (Tiles(block_size=8), {"storage": "jpeg", "subsampling": "4:2:0"}, r"squares of 16x16.*use --subsampling 4:4:4"),
    (SmallTiles(), {"storage": "jpeg", "subsampling": "4:2:0"}, "moves blocks of 8x8"),
    (Tiles(block_size=4), {"storage": "jpeg"}, r"squares of 8x8.*use blocks of 8"),
    (Tiles(block_size=4), {"storage": "jpeg", "subsampling": "4:2:0"}, r"use blocks of 16"),
    (GrayTiles(block_size=4), {"storage": "jpeg"}, r"squares of 8x8"),
    (GrayTiles(), {"storage": "jpeg", "subsampling": "4:2:0"}, "no color to subsample"),
    (Tiles(), {"quality": 90}, "'png' has no quality"),
    (Tiles(), {"storage": "wds", "subsampling": "4:4:4"}, "'wds' has no subsampling"),
    (BYTES, {"dtype": "scaled8"}, "8-bit images, which are stored as they are"),
    (BYTES, {"dtype": "uint8"}, "omit --dtype"),
    (FLOATS, {"dtype": "float32", "storage": "npy"}, "choose one of: float16, scaled8"),
    (FLOATS, {"storage": "png"}, "use --format npy or wds, or --dtype scaled8"),
    (FLOATS, {"storage": "png", "dtype": "float16"}, "PNG cannot hold"),
    (BYTES, {"storage": "zip"}, "unknown format"),
]


@pytest.mark.parametrize(("scheme", "options", "reason"), REFUSALS, ids=range(len(REFUSALS)))
def test_what_does_not_fit_is_refused_with_its_reason(smooth, tmp_path, key, scheme, options, reason):
    with pytest.raises(UsageError) as caught:
        encrypt_folder(smooth, tmp_path / "out", key=key, scheme=scheme, **options)
    assert caught.match(reason)
    assert not (tmp_path / "out").exists()
    assert key.active.used == 0


def test_what_is_left_out_has_its_default():
    assert choose_storing(BYTES) == Storing(storage="png", dtype="uint8", quality=None, subsampling=None)
    assert choose_storing(FLOATS, storage="npy").dtype == "float16"
    color = Storing(storage="jpeg", dtype="uint8", quality=90, subsampling="4:4:4")
    assert choose_storing(Tiles(), storage="jpeg") == choose_storing(SmallTiles(), storage="jpeg") == color
    gray = Storing(storage="jpeg", dtype="uint8", quality=90, subsampling=None)
    assert choose_storing(GrayTiles(), storage="jpeg") == gray


@pytest.mark.parametrize("storage", ["png", "npy", "wds"])
def test_scaled_bytes_are_read_as_grey_levels(smooth, tmp_path, key, storage):
    out = tmp_path / "out"
    encrypt_folder(smooth, out, key=key, scheme=FLOATS, storage=storage, dtype="scaled8", shard_size=4)
    assert Manifest.open(out).header.dtype == "scaled8"
    assert find_faults(out, key=key) == ()
    exact = tmp_path / "exact"
    encrypt_folder(smooth, exact, key=key, scheme=FLOATS, storage="npy")
    by_range = {(image.min(), image.max()): image for image in open_images(exact).read(range(6))}
    for place, row in enumerate(Manifest.open(out).rows()):
        image = open_images(out).read([place])[0]
        assert image.dtype == np.float32
        ends = min(by_range, key=lambda ends: abs(ends[0] - row.zero) + abs(ends[1] - row.zero - 255 * row.unit))
        assert np.abs(image - by_range[ends]).max() <= row.unit / 2 + 0.3  # and the rounding of float16
    decrypt_folder(out, tmp_path / "back", key=key)
    # An orthogonal matrix keeps the length of the error: a uniform one of a unit, then one of a grey level.
    expected = np.mean([row.unit**2 / 12 + 1 / 12 for row in Manifest.open(out).rows()])
    assert abs(psnr(tmp_path / "back", smooth) - 10 * np.log10(255**2 / expected)) < 1
    assert loss_of_folder(out) == "were rounded to 8 bits"


def test_a_black_image_has_a_scale_too(smooth, tmp_path, key):
    Image.new("RGB", (32, 32)).save(smooth / "a" / "black.png")
    encrypt_folder(smooth, tmp_path / "out", key=key, scheme=FLOATS, dtype="scaled8")
    assert [(row.unit, row.zero) for row in Manifest.open(tmp_path / "out").rows() if row.shape[1] == 32] == [(1, 0)]
    decrypt_folder(tmp_path / "out", tmp_path / "back", key=key)
    assert not decode_image(tmp_path / "back" / "a" / "black.png").any()


def test_an_encrypted_folder_tells_how_it_is_stored(smooth, tmp_path, key):
    encrypt_folder(smooth, tmp_path / "jpeg", key=key, scheme=Tiles(), storage="jpeg")
    encrypt_folder(smooth, tmp_path / "scaled", key=key, scheme=FLOATS, dtype="scaled8")
    encrypt_folder(smooth, tmp_path / "half", key=key, scheme=FLOATS, storage="npy")
    encrypt_folder(smooth, tmp_path / "png", key=key, scheme=BYTES)
    facts = {name: describe_folder(tmp_path / name) for name in ("jpeg", "scaled", "half", "png")}
    assert (facts["jpeg"]["quality"], facts["jpeg"]["subsampling"]) == (90, "4:4:4")
    assert "quality" not in facts["png"]
    assert [facts[name]["dtype"] for name in ("jpeg", "scaled", "half")] == ["uint8", "scaled8", "float16"]
    assert [loss_of_folder(tmp_path / name) for name in ("half", "png")] == ["were rounded to float16", ""]


@pytest.mark.parametrize("name", ["masked-image", "pixel-block-mixing"])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
def test_images_whose_blocks_nobody_puts_back_need_no_blocks_of_jpeg(name, subsampling):
    chosen = choose_storing(create_scheme(name), storage="jpeg", subsampling=subsampling)
    assert (chosen.storage, chosen.dtype, chosen.quality, chosen.subsampling) == ("jpeg", "uint8", 90, subsampling)
