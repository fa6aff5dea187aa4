"""A user's folder: given splits are respected but for copies, bad files are left out, and nothing leaks."""

import numpy as np
import pytest
from PIL import Image

from pixelveil.data import encrypt_folder
from pixelveil.demo.folder import folder_data
from pixelveil.errors import UsageError
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme

SIZE = 24


def picture(seed):
    """A smooth picture that differs from all others."""
    small = np.random.default_rng(seed).integers(0, 256, (9, 9, 3)).astype(np.uint8)
    return Image.fromarray(small).resize((48, 48), Image.Resampling.BICUBIC)


def write(folder, *, seeds, quality=None):
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        name = folder / f"{seed}.{'jpg' if quality else 'png'}"
        picture(seed).save(name, **({"quality": quality} if quality else {}))


def pixels(part):
    return {image.tobytes() for image in part.images}


def test_a_given_split_without_copies_stays(tmp_path):
    for number, name in enumerate("ab"):
        write(tmp_path / "Training" / name, seeds=range(1000 * number, 1000 * number + 40))
        write(tmp_path / "Testing" / name, seeds=range(1000 * number + 500, 1000 * number + 520))
    steps = []
    data = folder_data(tmp_path, size=SIZE, advance=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (120, 120)
    assert (data.facts.training, data.facts.validation, data.facts.test) == (72, 8, 40)
    assert data.facts.classes == ("a", "b")
    assert data.facts.moved == 0
    assert data.given_test is None
    assert data.training.images.shape == (72, SIZE, SIZE, 3)
    assert [photograph.title for photograph in data.shown] == ["a", "b"]
    assert data.shown[0].pixels.shape == (224, 224, 3)


def test_copies_in_the_test_set_are_set_aside(tmp_path):
    for number, name in enumerate("ab"):
        write(tmp_path / "train" / name, seeds=range(1000 * number, 1000 * number + 40))
        write(tmp_path / "test" / name, seeds=range(1000 * number + 500, 1000 * number + 520))
        write(tmp_path / "test" / name, seeds=range(1000 * number, 1000 * number + 7), quality=90)
    data = folder_data(tmp_path, size=SIZE)
    assert data.facts.moved == 14
    assert data.facts.test == len(data.test) == 40
    assert len(data.given_test) == 54
    assert pixels(data.test) < pixels(data.given_test)


def test_a_test_set_of_copies_is_not_believed(tmp_path):
    for number, name in enumerate("ab"):
        write(tmp_path / "train" / name, seeds=range(1000 * number, 1000 * number + 40))
        write(tmp_path / "test" / name, seeds=range(1000 * number, 1000 * number + 20), quality=90)
    data = folder_data(tmp_path, size=SIZE)
    assert "of no use" in data.facts.split
    assert data.facts.training + data.facts.validation + data.facts.test == 120
    near = [np.abs(data.training.images.astype(int) - image).mean(axis=(1, 2, 3)).min() for image in data.test.images]
    assert min(near) > 8  # a recompressed copy differs by less


def test_without_a_split_one_is_made(tmp_path):
    for number, name in enumerate("abc"):
        write(tmp_path / name, seeds=range(1000 * number, 1000 * number + 30))
    (tmp_path / "a" / "broken.png").write_bytes(b"no picture")
    Image.new("RGB", (9, 9)).save(tmp_path / "loose.png")
    data = folder_data(tmp_path, size=SIZE)
    assert data.facts.left_out == 1
    assert data.facts.test == 18
    assert data.facts.training + data.facts.validation == 72
    assert not pixels(data.training) & pixels(data.test)
    assert not pixels(data.training) & pixels(data.validation)
    again = folder_data(tmp_path, size=SIZE)
    np.testing.assert_array_equal(again.test.images, data.test.images)


def test_labels_belong_to_their_images(tmp_path):
    for number, name in enumerate("ab"):
        place = tmp_path / name
        place.mkdir()
        for seed in range(20):
            image = np.asarray(picture(1000 * number + seed)) // 2 + 128 * number
            Image.fromarray(image.astype(np.uint8)).save(place / f"{seed}.png")
    data = folder_data(tmp_path, size=SIZE)
    for part in (data.training, data.validation, data.test):
        np.testing.assert_array_equal(part.images.mean(axis=(1, 2, 3)) > 127, part.labels == 1)


def test_folders_that_do_not_do(tmp_path):
    write(tmp_path / "one" / "a", seeds=range(4))
    with pytest.raises(UsageError, match="1 classes"):
        folder_data(tmp_path / "one", size=SIZE)
    for number, name in enumerate("ab"):
        write(tmp_path / "few" / name, seeds=[number])
    with pytest.raises(UsageError, match="too few"):
        folder_data(tmp_path / "few", size=SIZE)
    encrypt_folder(
        tmp_path / "few",
        tmp_path / "veiled",
        scheme=create_scheme("vit-permutation", block_size=8),
        key=Key.generate(),
        size=24,
    )
    with pytest.raises(UsageError, match="encrypted already"):
        folder_data(tmp_path / "veiled", size=SIZE)
