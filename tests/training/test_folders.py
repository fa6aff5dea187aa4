"""Folders become training and test sets, plain or encrypted, and test images stay untouched."""

import numpy as np
import pytest
from PIL import Image

from pixelveil.data import encrypt_folder
from pixelveil.errors import UsageError
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme
from pixelveil.training.folders import open_test, open_training
from pixelveil.training.models import ModelSpec

RANDOM = np.random.default_rng(0)


def write(folder, *, count, groups=("",), classes=("a", "b"), size=16):
    for group in groups:
        for number, name in enumerate(classes):
            place = folder / group / name
            place.mkdir(parents=True)
            for index in range(count):
                pixels = RANDOM.integers(0, 256, (size, size, 3)).astype(np.uint8)
                pixels[0, 0] = 40 * number  # so that the label can be read from the image
                Image.fromarray(pixels).save(place / f"{index}.png")


def labels_in_pixels(source):
    return source.read(range(len(source)))[:, 0, 0, 0] // 40


def test_plain_folders_give_a_tenth_to_validation(tmp_path):
    write(tmp_path, count=20)
    images = open_training(tmp_path, size=16)
    assert (len(images.training), len(images.validation)) == (36, 4)
    assert images.classes == ("a", "b")
    assert images.image_size == 16
    for part in (images.training, images.validation):
        np.testing.assert_array_equal(labels_in_pixels(part), part.labels)
        assert set(part.labels.tolist()) == {0, 1}
    again = open_training(tmp_path, size=16)
    np.testing.assert_array_equal(again.validation.read([0]), images.validation.read([0]))


def test_named_folders_are_respected(tmp_path):
    write(tmp_path, count=6, groups=("Training", "val", "testing"))
    images = open_training(tmp_path, size=16)
    assert (len(images.training), len(images.validation)) == (12, 12)


def test_without_a_train_folder_the_test_folder_is_still_left_alone(tmp_path):
    write(tmp_path, count=20)
    write(tmp_path, count=30, groups=("test",))
    images = open_training(tmp_path, size=16)
    assert len(images.training) + len(images.validation) == 40


def test_near_copies_stay_together(tmp_path):
    write(tmp_path, count=10, size=32)
    for name in ("a", "b"):
        for file in sorted((tmp_path / name).glob("*.png")):
            Image.open(file).save(file.with_suffix(".jpg"), quality=95)
    images = open_training(tmp_path, size=32)
    left = images.training.read(range(len(images.training))).astype(int)
    for held in images.validation.read(range(len(images.validation))).astype(int):
        assert np.abs(left - held).mean(axis=(1, 2, 3)).min() > 20  # a copy would differ by a few grey levels
    assert len(images.validation) == 4


def test_encrypted_folders_need_no_key(tmp_path):
    write(tmp_path / "plain", count=20)
    key = Key.generate()
    encrypt_folder(
        tmp_path / "plain",
        tmp_path / "veiled",
        scheme=create_scheme("vit-orthogonal", block_size=8),
        key=key,
        size=16,
        storage="npy",
    )
    images = open_training(tmp_path / "veiled")
    assert images.image_size == 16
    assert len(images.training) + len(images.validation) == 40
    assert images.training.read([0]).dtype == np.float32


def test_what_cannot_be_trained_on(tmp_path):
    write(tmp_path / "one", count=3, classes=("a",))
    with pytest.raises(UsageError, match="1 classes"):
        open_training(tmp_path / "one", size=16)
    write(tmp_path / "loose", count=3)
    Image.new("RGB", (16, 16)).save(tmp_path / "loose" / "x.png")
    with pytest.raises(UsageError, match="1 images without"):
        open_training(tmp_path / "loose", size=16)
    write(tmp_path / "few", count=1)
    with pytest.raises(UsageError, match="too few"):
        open_training(tmp_path / "few", size=16)


def spec(*classes, size=16):
    return ModelSpec(architecture="vit_tiny_patch16_224", num_classes=len(classes), image_size=size, classes=classes)


def test_labels_follow_the_model_not_the_alphabet(tmp_path):
    write(tmp_path, count=3)
    images = open_test(tmp_path, spec=spec("b", "c", "a"))
    np.testing.assert_array_equal(images.labels, [2, 2, 2, 0, 0, 0])


def test_the_test_folder_is_the_default(tmp_path):
    write(tmp_path, count=3, groups=("train", "test"))
    assert len(open_test(tmp_path, spec=spec("a", "b"))) == 6
    assert len(open_test(tmp_path, spec=spec("a", "b"), group="train")) == 6
    write(tmp_path, count=3)
    assert len(open_test(tmp_path, spec=spec("a", "b"))) == 6


def test_strange_classes_are_told(tmp_path):
    write(tmp_path, count=2)
    with pytest.raises(UsageError, match="'b' is none"):
        open_test(tmp_path, spec=spec("a", "c"))


def test_encrypted_images_of_another_size(tmp_path):
    write(tmp_path / "plain", count=3)
    encrypt_folder(
        tmp_path / "plain",
        tmp_path / "veiled",
        scheme=create_scheme("vit-permutation", block_size=8),
        key=Key.generate(),
        size=16,
    )
    with pytest.raises(UsageError, match="the model takes 32"):
        open_test(tmp_path / "veiled", spec=spec("a", "b", size=32))


def test_the_scheme_of_a_folder_is_told(tmp_path):
    write(tmp_path / "plain", count=12)
    assert open_training(tmp_path / "plain", size=16).scheme is None
    for scheme in (create_scheme("etc-gray", block_size=4), create_scheme("skk", shuffle="none")):
        encrypt_folder(tmp_path / "plain", tmp_path / scheme.name, scheme=scheme, key=Key.generate(), size=16)
        images = open_training(tmp_path / scheme.name)
        assert images.scheme == scheme
        assert images.image_size == 16
        shape = (1, 16, 48, 1) if scheme.name == "etc-gray" else (1, 16, 16, 3)
        assert images.training.read([0]).shape == shape


def test_other_shapes_are_no_planes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(4):
            Image.fromarray(np.zeros((16, 48, 3), np.uint8)).save(tmp_path / name / f"{number}.png")
    encrypt_folder(tmp_path, tmp_path.with_name("wide"), scheme=create_scheme("skk"), key=Key.generate())
    with pytest.raises(UsageError, match="not square"):
        open_training(tmp_path.with_name("wide"))
