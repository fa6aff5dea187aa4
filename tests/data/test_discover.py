import os

import pytest

from pixelveil.data.discover import list_images
from pixelveil.errors import UsageError


@pytest.fixture
def tree(tmp_path):
    for path in ("b/y.png", "a/x.JPEG", "site/train/a/z.tiff", "top.webp", "notes.txt", "a/Thumbs.db", "b/png"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(path.encode())
    for path in (".git/a.png", "a/.x.png"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    return tmp_path


def test_images_are_listed_sorted_with_group_and_class(tree):
    listing = list_images(tree)
    assert [(one.path, one.group, one.label, one.size) for one in listing.sources] == [
        ("a/x.JPEG", "", "a", 8),
        ("b/y.png", "", "b", 7),
        ("site/train/a/z.tiff", "site/train", "a", 19),
        ("top.webp", "", None, 8),
    ]
    assert listing.classes == ("a", "b")
    assert (listing.ignored, listing.refused) == (3, ())


def test_links_are_followed_only_to_files_inside(tree, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.png").touch()
    (tree / "b" / "inner.png").symlink_to(tree / "a" / "x.JPEG")
    (tree / "b" / "outer.png").symlink_to(outside / "secret.png")
    (tree / "b" / "broken.png").symlink_to(tree / "nowhere.png")
    (tree / "loop").symlink_to(tree)
    (tree / "away").symlink_to(outside)
    listing = list_images(tree)
    assert "b/inner.png" in [one.path for one in listing.sources]
    assert dict(listing.refused) == {
        "away": "is a link to a folder",
        "b/broken.png": "is not a regular file",
        "b/outer.png": "is a link that leaves the folder",
        "loop": "is a link to a folder",
    }


def test_a_pipe_is_not_opened(tree):
    os.mkfifo(tree / "a" / "pipe.png")
    assert list_images(tree).refused == (("a/pipe.png", "is not a regular file"),)


def test_the_folder_itself_may_be_a_link(tree, tmp_path_factory):
    link = tmp_path_factory.mktemp("links") / "link"
    link.symlink_to(tree)
    assert list_images(link) == list_images(tree)


def test_what_is_no_folder_is_refused(tree):
    for path in (tree / "none", tree / "top.webp"):
        with pytest.raises(UsageError, match="cannot be listed"):
            list_images(path)
