"""The embedded images are there, are real, and nothing reaches for the network."""

import socket
from importlib import resources

import numpy as np
import pytest

from pixelveil.demo import samples
from pixelveil.demo.samples import handwritten_digits, photographs
from pixelveil.errors import MissingExtraError


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("the demo must not reach for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_photographs_are_squares_with_owners():
    found = photographs(size=64)
    assert len(found) == len(samples.PHOTOGRAPHS)
    for photograph in found:
        assert photograph.pixels.shape == (64, 64, 3)
        assert photograph.pixels.std() > 20
        assert photograph.credit


def test_missing_photographs_are_skipped_until_none_is_left(monkeypatch):
    there = samples.PHOTOGRAPHS[0]
    monkeypatch.setattr(samples, "PHOTOGRAPHS", (("no_such_package", "a.png", "a", "b"), there))
    assert [photograph.title for photograph in photographs(size=8)] == [there[2]]
    monkeypatch.setattr(samples, "PHOTOGRAPHS", ((there[0], "no-such-file.png", "a", "b"),))
    with pytest.raises(MissingExtraError):
        photographs(size=8)


def test_every_named_file_is_inside_its_package():
    for package, name, _, _ in samples.PHOTOGRAPHS:
        assert (resources.files(package) / name).is_file()


def test_digits_keep_their_gray_levels():
    images, labels = handwritten_digits(size=8)
    assert images.shape == (1797, 8, 8, 3)
    assert labels[:10].tolist() == list(range(10))
    assert set(np.unique(images)) == {round(level * 255 / 16) for level in range(17)}
    assert (images[..., 0] == images[..., 2]).all()
    large, _ = handwritten_digits(size=32)
    assert large.shape == (1797, 32, 32, 3)
