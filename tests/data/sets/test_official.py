from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.data.sets import load_set
from pixelveil.data.sets.official import fetch_set
from pixelveil.errors import UsageError

torchvision = pytest.importorskip("torchvision")


def stub(monkeypatch, source):
    monkeypatch.setattr(torchvision.datasets, "CIFAR10", source)


def test_what_torchvision_loads_becomes_a_file_for_data(tmp_path, monkeypatch):
    asked = []

    def source(*, root, train, download):
        asked.append((root, train, download))
        images = np.random.default_rng(train).integers(0, 256, (20 if train else 5, 32, 32, 3), dtype=np.uint8)
        return SimpleNamespace(data=images, targets=[place % 10 for place in range(len(images))])

    stub(monkeypatch, source)
    path = fetch_set("cifar10", folder=tmp_path / "new")
    assert asked == [(str(tmp_path / "new"), True, True), (str(tmp_path / "new"), False, True)]
    found = load_set("cifar10", data=path)
    assert (len(found.train), len(found.test)) == (20, 5)


def test_a_failed_download_and_sets_of_others_are_said(tmp_path, monkeypatch):
    def source(**options):
        raise RuntimeError("File not found or corrupted.")

    stub(monkeypatch, source)
    with pytest.raises(UsageError, match="corrupted"):
        fetch_set("cifar10", folder=tmp_path)
    with pytest.raises(UsageError, match="not downloaded"):
        fetch_set("brain-mri", folder=tmp_path)
