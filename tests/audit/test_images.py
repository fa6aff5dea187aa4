import numpy as np
import pytest
from PIL import Image

from pixelveil.audit.images import ReadImages, divide, read_images
from pixelveil.errors import UsageError


def as_set(images):
    return {image.tobytes() for image in images}


def test_roles_share_nothing_and_lose_nothing(fakes):
    pictures = fakes.pictures(200)
    found = divide(ReadImages(images=list(pictures)), victims=40)
    roles = [found.victims, found.helpers, found.public, found.pairs]
    assert [len(role) for role in roles] == [40, 75, 75, 10]
    assert sum(len(as_set(role)) for role in roles) == len(set.union(*map(as_set, roles))) == 200
    assert found.set_aside == 0


def test_copies_and_near_copies_are_set_aside(fakes):
    """Whatever role an image gets, no copy of it may stand in another."""
    pictures = fakes.pictures(60)
    near = pictures.copy()
    near[:, 0, 0, 0] += 1
    brighter = pictures + 100
    found = divide(ReadImages(images=[*pictures, *pictures, *near, *brighter]), victims=10)
    kept = [found.victims, found.helpers, found.public, found.pairs]
    assert sum(map(len, kept)) == 60
    assert found.set_aside == 180


def test_neither_order_nor_names_decide_but_the_seed_does(fakes):
    pictures = list(fakes.pictures(80))
    first, second = (
        divide(ReadImages(images=pictures), victims=20),
        divide(ReadImages(images=pictures[::-1]), victims=20),
    )
    assert first.digest == second.digest
    assert divide(ReadImages(images=pictures), victims=20, seed=1).digest != first.digest
    assert divide(ReadImages(images=pictures[1:]), victims=20).digest != first.digest


def test_at_most_a_quarter_are_victims(fakes):
    assert len(divide(ReadImages(images=list(fakes.pictures(80))), victims=1000).victims) == 20


def test_too_few_are_refused_and_few_are_warned_of(fakes):
    with pytest.raises(UsageError, match="too few"):
        divide(ReadImages(images=list(fakes.pictures(11))), victims=2)
    with pytest.raises(UsageError, match="too few"):
        divide(ReadImages(images=[fakes.pictures(1)[0]] * 50), victims=2)
    warnings = divide(ReadImages(images=list(fakes.pictures(40))), victims=10).warnings
    assert "INCONCLUSIVE" in warnings[0]
    assert len(warnings) == 2
    assert divide(ReadImages(images=list(fakes.pictures(1200))), victims=200).warnings == []


def test_shapes_must_agree_and_suffice(fakes):
    with pytest.raises(UsageError, match="--size"):
        divide(ReadImages(images=[*fakes.pictures(20), *fakes.pictures(20, side=20)]), victims=2)
    with pytest.raises(UsageError, match="too small"):
        divide(ReadImages(images=list(fakes.pictures(40)[:, :6, :6])), victims=2)


def test_the_gallery_holds_everything_once_the_wanted_first(images):
    places = np.array([7, 3])
    gallery = images.gallery(places)
    assert (gallery[0] == images.encrypted[7]).all()
    assert (gallery[1] == images.encrypted[3]).all()
    assert len(gallery) == len(as_set(gallery)) == 240


def test_arrays_are_read_as_cifar_comes(tmp_path, fakes):
    pictures = fakes.pictures(50)
    np.savez(
        tmp_path / "a.npz", x_train=pictures[:30], x_test=pictures[30:], y_train=np.arange(30), y_test=np.ones(20, int)
    )
    found = read_images(tmp_path / "a.npz", count=1000)
    assert as_set(found.images) == as_set(pictures)
    assert found.rejected == 0
    number = {picture.tobytes(): place for place, picture in enumerate(pictures)}
    for image, label in zip(found.images, found.labels, strict=True):
        place = number[image.tobytes()]
        assert label == (place if place < 30 else 1)
    few = read_images(tmp_path / "a.npz", count=8).images
    again = read_images(tmp_path / "a.npz", count=8).images
    assert len(few) == 8
    assert all((a == b).all() for a, b in zip(few, again, strict=True))


def test_gray_arrays_get_their_channel(tmp_path, fakes):
    np.savez(tmp_path / "a.npz", x=fakes.pictures(20)[..., 0])
    assert read_images(tmp_path / "a.npz", count=5).images[0].shape == (16, 16, 1)


def test_a_folder_is_read_with_or_without_classes(tmp_path, fakes):
    (tmp_path / "cat").mkdir()
    for number, picture in enumerate(fakes.pictures(6)):
        folder = tmp_path / "cat" if number % 2 else tmp_path
        Image.fromarray(picture).save(folder / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    found = read_images(tmp_path, count=100, size=8)
    assert [image.shape for image in found.images] == [(8, 8, 3)] * 6
    assert found.rejected == 1
    assert found.labels is None
    assert read_images(tmp_path, count=100).images[0].shape == (64, 64, 3)
    assert len(read_images(tmp_path, count=3).images) == 3


def test_class_folders_are_labels(tmp_path, fakes):
    pictures = fakes.pictures(6)
    for number, picture in enumerate(pictures):
        folder = tmp_path / f"class-{number % 3}"
        folder.mkdir(exist_ok=True)
        Image.fromarray(picture).save(folder / f"{number}.png")
    found = read_images(tmp_path, count=6, size=16)
    number = {picture.tobytes(): place for place, picture in enumerate(pictures)}
    assert found.labels == [number[image.tobytes()] % 3 for image in found.images]


def test_labels_stay_with_their_images(fakes):
    pictures = list(fakes.pictures(80))
    found = divide(ReadImages(images=pictures, labels=range(80)), victims=20)
    assert len(found.labels) == len(found.encrypted)
    for image, label in zip(found.encrypted, found.labels, strict=True):
        assert (pictures[label] == image).all()
    assert found.digest != divide(ReadImages(images=pictures), victims=20).digest
    assert found.facts["classes"] == len(found.encrypted)


def test_what_holds_no_images_is_refused(tmp_path, fakes):
    with pytest.raises(UsageError, match="neither"):
        read_images(tmp_path / "nothing", count=3)
    with pytest.raises(UsageError, match="no image"):
        read_images(tmp_path, count=3)
    (tmp_path / "a.npz").write_bytes(b"PK no archive")
    with pytest.raises(UsageError, match=r"\.npz"):
        read_images(tmp_path / "a.npz", count=3)
    np.savez(tmp_path / "b.npz", x=np.zeros((4, 8, 8, 3)))
    with pytest.raises(UsageError, match="uint8"):
        read_images(tmp_path / "b.npz", count=3)
    np.savez(tmp_path / "c.npz", x=fakes.pictures(4))
    with pytest.raises(UsageError, match="--size"):
        read_images(tmp_path / "c.npz", count=3, size=32)
    np.savez(tmp_path / "d.npz", x=np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(UsageError):
        read_images(tmp_path / "d.npz", count=3)


def test_encrypted_folders_are_refused(tmp_path):
    (tmp_path / "manifest.jsonl").write_text("{}\n")
    with pytest.raises(UsageError, match="plain"):
        read_images(tmp_path, count=3)
