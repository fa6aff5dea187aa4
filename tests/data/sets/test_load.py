import numpy as np
import pytest
from PIL import Image

from pixelveil.data.sets import load_set
from pixelveil.errors import UsageError


def pictures(count, seed=0):
    """Smooth pictures that look nothing alike."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return coarse.repeat(2, axis=1).repeat(2, axis=2)


@pytest.fixture
def npz(tmp_path):
    images = pictures(40)
    train, test = images[:30].copy(), images[30:]
    train[4], train[7] = test[0], test[1] // 2 + 50  # a copy, and one that is darker
    labels = np.arange(30) % 2, np.arange(10) % 2
    np.savez(tmp_path / "cifar10.npz", x_train=train, y_train=labels[0], x_test=test, y_test=labels[1])
    return tmp_path


def test_copies_of_test_images_are_left_out_of_training(npz):
    clean, published = (load_set("cifar10", data=npz, split=split) for split in ("clean", "published"))
    assert len(clean.train) == 28
    assert clean.facts["left_out"] == 2
    assert (clean.facts["exact_copies_in_train"], clean.facts["near_copies_in_train"]) == (1, 1)
    assert clean.facts["test_images_with_copies"] == 0
    assert len(published.train) == 30
    assert published.facts["test_images_with_copies"] == 2
    assert published.facts["weakness"]
    assert (clean.test == published.test).all()
    assert clean.classes[0] == "airplane"


def test_fewer_images_are_drawn_by_the_seed_in_equal_shares(npz):
    first, again, other = (load_set("cifar10", data=npz, train_images=8, seed=seed) for seed in (1, 1, 2))
    assert (first.train == again.train).all()
    assert first.train.shape != other.train.shape or (first.train != other.train).any()
    assert np.bincount(load_set("cifar10", data=npz, split="published", train_images=8).train_labels).tolist() == [4, 4]
    assert len(load_set("cifar10", data=npz, test_images=6).test) == 6


def folders(root, names):
    for image, name in zip(pictures(len(names)), names, strict=True):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def test_whole_photographs_are_held_out_where_a_set_has_few(tmp_path):
    sources = {"N1": "no", "N4": "no", "P1": "yes", "P3": "yes"}
    names = [f"test/{label}/{source}-{place}.png" for source, label in sources.items() for place in range(5)]
    folders(tmp_path / "pcos-ultrasound", names)
    rows = "".join(f"{name},{name.split('/')[2].split('-')[0]}\n" for name in names)
    (tmp_path / "pcos-ultrasound.csv").write_text("file,source\n" + rows)
    clean = load_set("pcos-ultrasound", data=tmp_path, size=16)
    assert (len(clean.train), len(clean.test)) == (10, 10)
    assert clean.facts["sides"] == "source N4, P3 held out"
    assert clean.facts["near_copies_in_train"] == 0
    assert len(set(clean.train_groups.tolist())) == 2
    published = load_set("pcos-ultrasound", data=tmp_path, size=16, split="published")
    assert (len(published.train), len(published.test)) == (16, 4)
    assert published.facts["test_images_with_copies"] == 4
    assert "eight photographs" in published.facts["weakness"]


def test_a_group_on_both_sides_leaves_training(tmp_path):
    names = [f"Training/{label}/{place}.png" for label in "ab" for place in range(4)]
    names += [f"Testing/{label}/{place}.png" for label in "ab" for place in range(2)]
    folders(tmp_path / "brain-mri", names)
    groups = [0, 1, 2, 3, 4, 5, 6, 7, 0, 8, 9, 5]
    rows = "".join(f"{name},{group}\n" for name, group in zip(names, groups, strict=True))
    list_of_copies = tmp_path / "mine.csv"
    list_of_copies.write_text("file,dup_group\n" + rows)
    clean = load_set("brain-mri", data=tmp_path, size=16, groups=list_of_copies)
    assert (len(clean.train), len(clean.test), clean.facts["left_out"]) == (6, 4, 2)
    assert load_set("brain-mri", data=tmp_path, size=16).facts["left_out"] == 0


def test_without_sides_a_fifth_is_drawn(tmp_path):
    folders(tmp_path / "mine", [f"{label}/{place}.png" for label in "ab" for place in range(10)])
    found = load_set("imagefolder", data=tmp_path / "mine", size=16)
    assert (len(found.train), np.bincount(found.test_labels).tolist()) == (16, [2, 2])


def test_what_cannot_be_meant_is_refused(npz):
    with pytest.raises(UsageError, match="split"):
        load_set("cifar10", data=npz, split="random")
    with pytest.raises(UsageError, match="pixels"):
        load_set("cifar10", data=npz, size=64)
