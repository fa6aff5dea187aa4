import hashlib
from pathlib import Path

import pytest

pytest.importorskip("benchmarks.public_weights", reason="benchmarks are of a checkout")

import torch
from safetensors import safe_open

from benchmarks import public_weights
from benchmarks.public_weights import PUBLIC_WEIGHTS, PublicWeights, fetch_weights
from pixelveil.errors import IntegrityError, UsageError
from pixelveil.models.backbones import BACKBONES, create_backbone, load_weights


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A file as its author publishes it, at an address of this machine."""
    network = create_backbone("resnet20", num_classes=10, image_size=32, seed=3)
    named = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    file = tmp_path / "public.th"
    torch.save({"state_dict": named, "best_prec1": 91.73}, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    known = {"resnet20": PublicWeights(address=file.as_uri(), sha256=digest)}
    monkeypatch.setattr(public_weights, "PUBLIC_WEIGHTS", known)
    return network, known


def test_weights_are_checked_and_put_down_under_the_names_of_the_network(published, tmp_path):
    network, known = published
    path = fetch_weights("resnet20", folder=tmp_path / "data")
    assert path == tmp_path / "data" / "resnet20.safetensors"
    other = create_backbone("resnet20", num_classes=10, image_size=32, seed=4)
    assert load_weights(other, path) == ()
    for name, tensor in network.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)
    with safe_open(path, framework="pt") as file:
        assert file.metadata()["source"] == known["resnet20"].address


def test_another_file_is_refused(published, tmp_path, monkeypatch):
    address = published[1]["resnet20"].address
    wrong = {"resnet20": PublicWeights(address=address, sha256="0" * 64)}
    monkeypatch.setattr(public_weights, "PUBLIC_WEIGHTS", wrong)
    with pytest.raises(IntegrityError, match="hash"):
        fetch_weights("resnet20", folder=tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_what_cannot_be_loaded_is_said(tmp_path, monkeypatch):
    gone = {"resnet20": PublicWeights(address=(tmp_path / "gone.th").as_uri(), sha256="0" * 64)}
    monkeypatch.setattr(public_weights, "PUBLIC_WEIGHTS", gone)
    with pytest.raises(UsageError, match="could not be loaded"):
        fetch_weights("resnet20", folder=tmp_path)
    with pytest.raises(UsageError, match="resnet20"):
        fetch_weights("alexnet", folder=tmp_path)


def test_every_file_is_named_and_pinned():
    for name, known in PUBLIC_WEIGHTS.items():
        assert name in BACKBONES
        assert len(known.sha256) == 64
        assert known.sha256[:8] in Path(known.address).name
        assert "BSD" in known.citation
