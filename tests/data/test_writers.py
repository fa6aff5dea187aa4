import io
import tarfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from pixelveil.data.writers import Shard, decode_stored, encode_stored, shard_start, suffix
from pixelveil.errors import IntegrityError, UsageError

SIDES = st.integers(1, 9)
UINT8 = hnp.arrays(np.uint8, st.tuples(SIDES, SIDES, st.sampled_from([1, 3, 4])))
FLOAT16 = hnp.arrays(np.float16, st.tuples(SIDES, SIDES, st.just(3)), elements=st.floats(-6e4, 6e4, width=16))
RAMP = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)


@given(image=UINT8, storage=st.sampled_from(["png", "npy", "wds"]))
def test_stored_bytes_are_read_back(image, storage):
    content = bytes(encode_stored(image, storage=storage))
    assert np.array_equal(decode_stored(content, storage=storage, shape=image.shape, dtype="uint8"), image)


@given(image=FLOAT16, storage=st.sampled_from(["npy", "wds"]))
def test_stored_floats_are_read_back(image, storage):
    content = bytes(encode_stored(image, storage=storage))
    again = decode_stored(content, storage=storage, shape=image.shape, dtype="float16")
    assert again.tobytes() == image.tobytes()


@given(image=UINT8.filter(lambda image: image.shape[-1] != 4), quality=st.integers(1, 100))
def test_jpeg_is_what_pillow_makes_of_it(image, quality):
    subsampling = "4:2:0" if image.shape[-1] == 3 else None
    content = encode_stored(image, storage="jpeg", quality=quality, subsampling=subsampling)
    again = decode_stored(content, storage="jpeg", shape=image.shape, dtype="uint8")
    assert (again.shape, again.dtype) == (image.shape, np.uint8)
    picture = Image.open(io.BytesIO(content))
    assert np.array_equal(np.atleast_3d(np.asarray(picture)), again)
    assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert content == encode_stored(image, storage="jpeg", quality=quality, subsampling=subsampling)


def test_a_flat_image_is_the_same_after_jpeg():
    image = np.full((16, 16, 3), 128, np.uint8)
    content = encode_stored(image, storage="jpeg", quality=90, subsampling="4:2:0")
    assert np.array_equal(decode_stored(content, storage="jpeg", shape=image.shape, dtype="uint8"), image)


def test_jpeg_holds_only_8_bit_images_of_one_or_three_channels():
    assert [suffix("jpeg", shape=(8, 8, channels), dtype="uint8") for channels in (1, 3)] == ["jpg", "jpg"]
    for shape, dtype in (((8, 8, 3), "float16"), ((8, 8, 4), "uint8"), ((8, 8, 2), "uint8")):
        with pytest.raises(UsageError, match="JPEG cannot hold"):
            suffix("jpeg", shape=shape, dtype=dtype)


def test_png_holds_only_8_bit_images():
    assert suffix("png", shape=(8, 8, 3), dtype="uint8") == "png"
    for shape, dtype in (((8, 8, 3), "float16"), ((8, 8, 6), "uint8")):
        assert suffix("wds", shape=shape, dtype=dtype) == "npy"
        with pytest.raises(UsageError, match="--format npy"):
            suffix("png", shape=shape, dtype=dtype)


def test_a_file_is_what_other_programs_take_it_for():
    png = Image.open(io.BytesIO(encode_stored(RAMP, storage="png")))
    assert np.array_equal(np.asarray(png), RAMP)
    floats = RAMP.astype(np.float16)
    assert np.array_equal(np.load(io.BytesIO(encode_stored(floats, storage="wds")), allow_pickle=False), floats)


@pytest.mark.parametrize(
    ("content", "storage"),
    [
        (b"", "png"),
        (b"no image", "png"),
        (bytes(encode_stored(RAMP, storage="png"))[:50], "png"),
        (bytes(encode_stored(RAMP[:4], storage="png")), "png"),
        (bytes(encode_stored(RAMP[..., :1], storage="png")), "png"),
        (b"", "jpeg"),
        (bytes(encode_stored(RAMP, storage="png")), "jpeg"),
        (bytes(encode_stored(RAMP, storage="jpeg", quality=90)), "png"),
        (bytes(encode_stored(RAMP, storage="jpeg", quality=90))[:100], "jpeg"),
        (bytes(encode_stored(RAMP[:4], storage="jpeg", quality=90)), "jpeg"),
        (bytes(encode_stored(RAMP[..., :1], storage="jpeg", quality=90)), "jpeg"),
        (RAMP.tobytes()[:-1], "npy"),
        (RAMP.tobytes() + b"x", "npy"),
    ],
    ids=range(13),
)
def test_something_else_is_refused(content, storage):
    with pytest.raises(IntegrityError):
        decode_stored(content, storage=storage, shape=RAMP.shape, dtype="uint8")


def test_a_pickle_in_an_array_file_is_refused():
    content = io.BytesIO()
    np.save(content, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(IntegrityError):
        decode_stored(content.getvalue(), storage="wds", shape=(1, 1, 3), dtype="float16")


def write_shard(storage, images, labels):
    file = io.BytesIO()
    shard = Shard(file, storage=storage, shape=images.shape[1:], dtype=images.dtype.name)
    places = []
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        content = encode_stored(image, storage=storage)
        name = f"image{number}.{suffix(storage, shape=image.shape, dtype=image.dtype.name)}"
        places.append((*shard.add(content, name=name, label=label), bytes(content)))
    shard.finish()
    for index, (place, offset, content) in enumerate(places):
        assert place == index
        assert file.getvalue()[offset : offset + len(content)] == content
    return file.getvalue()


@pytest.mark.parametrize("count", [1, 7])
@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_an_npy_shard_is_one_array(count, dtype):
    images = np.stack([(RAMP + number).astype(dtype) for number in range(count)])
    shard = write_shard("npy", images, [0] * count)
    assert np.array_equal(np.load(io.BytesIO(shard), allow_pickle=False), images)
    assert len(shard) == 128 + images.nbytes


@given(shape=st.tuples(*[st.integers(1, 2**40)] * 3), count=st.integers(0, 2**40))
def test_the_header_of_an_npy_shard_has_always_the_same_length(shape, count):
    header = shard_start("npy", count=count, shape=shape, dtype="float16")
    version = np.lib.format.read_magic(file := io.BytesIO(header))
    assert version == (1, 0)
    assert np.lib.format.read_array_header_1_0(file) == ((count, *shape), False, np.dtype("<f2"))
    assert (len(header), file.tell()) == (128, 128)


@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_a_wds_shard_is_a_tar_archive_without_traces(dtype):
    images = np.stack([(RAMP + number).astype(dtype) for number in range(3)])
    shard = write_shard("wds", images, [1, None, 12])
    with tarfile.open(fileobj=io.BytesIO(shard)) as archive:
        members = {member.name: archive.extractfile(member).read() for member in archive}
        traces = {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in archive}
    kind = "png" if dtype == "uint8" else "npy"
    assert list(members) == [f"image0.{kind}", "image0.cls", f"image1.{kind}", f"image2.{kind}", "image2.cls"]
    assert (members["image0.cls"], members["image2.cls"]) == (b"1", b"12")
    assert traces == {(0, 0, 0, "", "", 0o644)}
    for number, image in enumerate(images):
        content = io.BytesIO(members[f"image{number}.{kind}"])
        read = np.asarray(Image.open(content)) if kind == "png" else np.load(content, allow_pickle=False)
        assert np.array_equal(read, image)
