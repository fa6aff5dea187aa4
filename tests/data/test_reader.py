import numpy as np
import pytest

from pixelveil.data import ImageSet, decode_image, encrypt_folder, open_images
from pixelveil.data.manifest import Manifest
from pixelveil.errors import ImageError, IntegrityError, UsageError
from pixelveil.schemes import create_scheme

SCHEME = create_scheme("vit-permutation", block_size=4)


@pytest.fixture(params=["png", "npy", "wds"])
def out(request, pets, tmp_path, key):
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=SCHEME, storage=request.param, shard_size=5)
    return tmp_path / "out"


def test_encrypted_images_are_read_in_any_order(out):
    images = open_images(out)
    everything = images.read(range(22))
    assert (everything.shape, everything.dtype, len(images)) == ((22, 16, 24, 3), np.uint8, 22)
    order = np.random.default_rng(0).permutation(22)
    assert np.array_equal(images.read(order), everything[order])
    assert np.array_equal(images.read([3, 3]), everything[[3, 3]])


def test_labels_and_groups_are_those_of_the_rows(out):
    images, rows = open_images(out), list(Manifest.open(out).rows())
    assert images.classes == ("cat", "dog")
    assert images.labels.dtype == np.int64
    assert images.labels.tolist() == [row.label for row in rows]
    assert images.groups == tuple(row.group for row in rows)


def test_a_group_is_a_set_of_its_own(out):
    images = open_images(out)
    test = images.select(group="test")
    places = [place for place, group in enumerate(images.groups) if group == "test"]
    assert (len(test), test.classes) == (8, images.classes)
    assert np.array_equal(test.read(range(8)), images.read(places))
    assert np.array_equal(test.labels, images.labels[places])
    with pytest.raises(UsageError, match="choose one of: test, train"):
        images.select(group="valid")


def test_plain_folders_are_read_the_same_way(pets):
    images = open_images(pets)
    paths = sorted(path for path in pets.rglob("*.png"))
    assert np.array_equal(images.read(range(22)), np.stack([decode_image(path) for path in paths]))
    assert [images.classes[label] for label in images.labels] == [path.parent.name for path in paths]
    assert images.groups == tuple(path.parent.parent.name for path in paths)
    assert open_images(pets, size=8).select(group="train").read([0, 1]).shape == (2, 8, 8, 3)


def test_images_of_several_shapes_are_read_one_by_one(folder):
    source = folder("a/1.png")
    folder("a/2.png", size=(8, 8), name="plain/b")
    images = open_images(source)
    assert [images.read([place]).shape for place in range(2)] == [(1, 16, 24, 3), (1, 8, 8, 3)]
    with pytest.raises(UsageError, match="do not make one array"):
        images.read([0, 1])
    with pytest.raises(UsageError):
        images.read([])


def test_encrypted_images_keep_their_size(out, pets, tmp_path, key):
    with pytest.raises(UsageError, match="encrypt with --size"):
        open_images(out, size=8)
    encrypt_folder(pets, tmp_path / "eight", key=key, scheme=SCHEME, size=8)
    assert open_images(tmp_path / "eight", size=8).read([0]).shape == (1, 8, 8, 3)


def test_damage_names_file_and_image(out):
    images, row = open_images(out), next(Manifest.open(out).rows())
    path = out / row.file
    path.write_bytes(path.read_bytes()[: row.offset + row.size // 2])
    with pytest.raises(IntegrityError, match=row.name):
        images.read([0])
    path.unlink()
    with pytest.raises(IntegrityError, match="cannot be read"):
        images.read([0])


def test_a_manifest_that_promises_terabytes_takes_no_memory(out):
    path = out / "manifest.jsonl"
    size = next(Manifest.open(out).rows()).size
    path.write_text(path.read_text().replace(f'"size":{size},', '"size":9000000000000000,', 1))
    with pytest.raises(IntegrityError, match="the file ends before the image does"):
        open_images(out).read([0])


def test_what_is_no_set_of_images_is_refused(tmp_path, pets):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no images"):
        open_images(tmp_path / "empty")
    with pytest.raises(UsageError, match="cannot be listed"):
        open_images(tmp_path / "none")
    (tmp_path / "unfinished" / ".job").mkdir(parents=True)
    with pytest.raises(UsageError, match="run the same encrypt command again"):
        open_images(tmp_path / "unfinished")
    (pets / "train" / "cat" / "patient-cat-00.png").write_bytes(b"text")
    with pytest.raises(ImageError, match="patient-cat-00"):
        open_images(pets).read(range(22))


def test_lengths_must_fit(pets):
    images = open_images(pets)
    with pytest.raises(UsageError, match="22 images, 3 labels"):
        ImageSet(images.source, classes=(), labels=np.zeros(3, np.int64), groups=images.groups)
