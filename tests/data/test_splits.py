import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from pixelveil.data.splits import difference_hash, near_groups, split_images
from pixelveil.errors import UsageError


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=40), st.integers(0, 40))
def test_near_groups_are_the_connected_components(hashes, distance):
    hashes += [value ^ 1 for value in hashes[::3]]  # some near ones, and chains of them
    expected = list(range(len(hashes)))
    for one, first in enumerate(hashes):
        for other, second in enumerate(hashes[:one]):
            if (first ^ second).bit_count() <= distance:
                low, high = sorted((expected[one], expected[other]))
                expected = [low if group == high else group for group in expected]
    assert near_groups(np.array(hashes, np.uint64), distance=distance).tolist() == expected


def test_the_hash_follows_its_definition():
    rng = np.random.default_rng(3)
    pixels = np.repeat(rng.integers(0, 256, (8, 9, 1), dtype=np.uint8), 3, axis=2)
    gray = pixels[..., 0].astype(int)
    bits = sum(
        int(gray[row, column] < gray[row, column + 1]) << 8 * row + column for row in range(8) for column in range(8)
    )
    assert difference_hash(pixels) == bits
    larger = pixels.repeat(20, axis=0).repeat(20, axis=1)
    assert difference_hash(larger) == bits


def noise(seed):
    small = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((90, 90), Image.Resampling.BICUBIC)


@pytest.fixture
def photographs(tmp_path):
    """60 different images in two classes; of each fifth there are copies: exact, recompressed, brighter, smaller."""
    root = tmp_path / "photographs"
    for label, start, count in (("a", 0, 40), ("b", 100, 20)):
        (root / label).mkdir(parents=True)
        for number in range(start, start + count):
            image = noise(number)
            image.save(root / label / f"{number}.png")
            if number % 5 == 0:
                shutil.copy(root / label / f"{number}.png", root / label / f"{number}-copy.png")
                image.save(root / label / f"{number}-recompressed.jpg", quality=60)
                ImageEnhance.Brightness(image).enhance(0.9).save(root / label / f"{number}-darker.png")
                image.resize((45, 45)).save(root / label / f"{number}-smaller.png")
    return root


def originals(paths):
    return {path.split("/")[1].split(".")[0].split("-")[0] for path in paths}


def test_no_copy_crosses_the_border(photographs):
    split = split_images(photographs, test=0.25, distance=4)
    assert not originals(split.train) & originals(split.test)
    assert len(originals([*split.train, *split.test])) == 60
    assert (split.exact_duplicates, split.near_duplicates, split.largest_group) == (12, 36, 5)
    assert split.rejected == ()
    for label, count in (("a", 72), ("b", 36)):
        share = sum(path.startswith(f"{label}/") for path in split.test) / count
        assert 0.19 < share < 0.31


def test_a_random_split_would_leak(photographs):
    """The control: on the same images, a split that ignores copies puts some of them on both sides."""
    paths = sorted(path.relative_to(photographs).as_posix() for path in photographs.rglob("*.*"))
    order = np.random.default_rng(0).permutation(len(paths))
    test = [paths[place] for place in order[: len(paths) // 4]]
    assert originals(test) & originals(set(paths) - set(test))


def test_a_split_is_the_same_every_time_and_wherever_the_folder_is(photographs, tmp_path):
    first = split_images(photographs, workers=1)
    shutil.copytree(photographs, tmp_path / "elsewhere")
    assert split_images(tmp_path / "elsewhere", workers=2) == first


def test_every_image_is_on_exactly_one_side(photographs):
    (photographs / "a" / "broken.png").write_bytes(b"text")
    seen = []
    split = split_images(photographs, test=0.5, advance=lambda *counts: seen.append(counts))
    everything = sorted(path.relative_to(photographs).as_posix() for path in photographs.rglob("*.*"))
    assert sorted([*split.train, *split.test, "a/broken.png"]) == everything
    assert split.rejected == (("a/broken.png", "is not an image in a known format"),)
    assert seen[-1] == (109, 109)


def test_wrong_numbers_are_refused(photographs, tmp_path):
    for change in ({"test": 0.0}, {"test": 1.0}, {"distance": -1}, {"distance": 65}):
        with pytest.raises(UsageError):
            split_images(photographs, **change)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no image that can be read"):
        split_images(tmp_path / "empty")
