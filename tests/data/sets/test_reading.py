import hashlib

import numpy as np
import pytest
from PIL import Image

from pixelveil.data.sets import data_set
from pixelveil.data.sets.reading import find_data, read_files, read_npz
from pixelveil.errors import IntegrityError, UsageError

GRAY = np.arange(3 * 8 * 8, dtype=np.uint8).reshape(3, 8, 8)


def npz(path, **arrays):
    np.savez(path, **arrays)
    return path


def whole(**changed):
    arrays = {"x_train": GRAY, "y_train": np.array([0, 1, 2]), "x_test": GRAY, "y_test": np.array([2, 1, 0])}
    return arrays | changed


def test_gray_images_become_color_and_columns_of_labels_become_numbers(tmp_path):
    names = ("train_images", "train_labels", "test_images", "test_labels")
    values = (GRAY, np.array([[0], [1], [2]], np.uint8), GRAY[:2], np.array([[1], [0]], np.uint8))
    arrays = read_npz(npz(tmp_path / "my.npz", **dict(zip(names, values, strict=True))), checksums={})
    assert arrays.train.shape == (3, 8, 8, 3)
    assert (arrays.train == GRAY[..., None]).all()
    assert arrays.test_labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    "changed",
    [
        {"x_train": GRAY.astype(float)},
        {"y_train": np.array([0, 1])},
        {"y_train": np.array([0.5, 1, 2])},
        {"y_test": np.array([-1, 1, 2])},
    ],
)
def test_arrays_that_are_no_data_set_are_refused(tmp_path, changed):
    with pytest.raises(UsageError):
        read_npz(npz(tmp_path / "my.npz", **whole(**changed)), checksums={})


def test_a_file_without_the_arrays_and_a_damaged_one_are_told_apart(tmp_path):
    with pytest.raises(UsageError, match="lacks"):
        read_npz(npz(tmp_path / "my.npz", images=GRAY), checksums={})
    path = npz(tmp_path / "half.npz", **whole())
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(IntegrityError):
        read_npz(path, checksums={})


def test_an_official_name_needs_the_official_file(tmp_path):
    path = npz(tmp_path / "bloodmnist.npz", **whole())
    with pytest.raises(IntegrityError, match="official"):
        read_npz(path, checksums=data_set("medmnist-npz").checksums)
    digest = hashlib.md5(path.read_bytes()).hexdigest()  # noqa: S324 - what publishers print
    assert len(read_npz(path, checksums={"bloodmnist.npz": digest}).train) == 3


def test_a_set_is_found_below_the_folder_that_is_given(tmp_path):
    npz(tmp_path / "cifar10.npz", **whole())
    assert find_data(data_set("cifar10"), tmp_path) == tmp_path / "cifar10.npz"
    with pytest.raises(UsageError, match="there is no"):
        find_data(data_set("cifar10"), tmp_path / "nowhere")
    with pytest.raises(UsageError, match="holds no"):
        find_data(data_set("cifar100"), tmp_path)


def test_class_folders_with_their_list_of_copies(tmp_path):
    folder = tmp_path / "brain-mri"
    names = ("Testing/a/1.png", "Training/a/2.png", "Training/b/3.png")
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (10, 8)).save(folder / name)
    kind = data_set("brain-mri")
    assert read_files(kind, folder, groups=None).groups is None
    lines = "file,class,dup_group\n" + "".join(f"{name},x,{place}\n" for place, name in enumerate(names))
    (tmp_path / "brain-mri.csv").write_text(lines)
    files = read_files(kind, folder, groups=None)
    assert files.classes == ("a", "b")
    assert files.sides.tolist() == ["test", "train", "train"]
    assert files.groups.tolist() == ["0", "1", "2"]
    assert files.read(np.array([0, 2]), size=8).shape == (2, 8, 8, 3)
    (tmp_path / "brain-mri.csv").write_text(lines.replace(names[1], "other.png"))
    with pytest.raises(UsageError, match="says nothing of"):
        read_files(kind, folder, groups=None)
    (tmp_path / "brain-mri.csv").write_text("name\nx\n")
    with pytest.raises(UsageError, match="columns"):
        read_files(kind, folder, groups=None)
