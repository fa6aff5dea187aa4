import numpy as np
import pytest
import torch
from PIL import Image

from pixelveil.errors import UsageError
from pixelveil.models.info import ATTRIBUTE
from pixelveil.training import plain_classifier as module
from pixelveil.training.evaluate import predict_logits
from pixelveil.training.models import ModelSpec, save_checkpoint
from pixelveil.training.plain_classifier import plain_classifier

SPEC = ModelSpec(architecture="test_resnet", num_classes=5, image_size=32, mean=(0.4,) * 3, std=(0.3,) * 3)


def model():
    """With weights at random, and answers that differ from picture to picture."""
    made = SPEC.build(seed=1).eval()
    logits = predict_logits(made, pictures(), mean=SPEC.mean, std=SPEC.std)
    with torch.no_grad():
        made.get_classifier().bias -= torch.from_numpy(np.median(logits, axis=0))
    return made


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    save_checkpoint(folder / "best.safetensors", model(), spec=SPEC)
    return folder


def pictures(count=12, side=32, channels=3):
    generator = np.random.default_rng(0)
    small = generator.integers(0, 256, (count, side // 8, side // 8, channels), dtype=np.uint8)
    return small.repeat(8, axis=1).repeat(8, axis=2)


def test_it_answers_as_the_model_does(run):
    expected = predict_logits(model(), pictures(), mean=SPEC.mean, std=SPEC.std).argmax(axis=1)
    assert len(set(expected)) > 1
    for path in (run, run / "best.safetensors"):
        assert plain_classifier(path)(pictures()).tolist() == expected.tolist()


def test_images_are_brought_to_the_size_and_channels_of_the_model(run):
    classify = plain_classifier(run)
    large = pictures(side=64)
    scaled = [np.asarray(Image.fromarray(one).resize((32, 32), Image.Resampling.BILINEAR)) for one in large]
    assert classify(large).tolist() == classify(np.stack(scaled)).tolist()
    gray = pictures(channels=1)
    assert classify(gray).tolist() == classify(gray.repeat(3, axis=3)).tolist()


def test_there_must_be_a_model_and_a_plain_one(run, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="no checkpoint"):
        plain_classifier(tmp_path)
    encrypted = torch.nn.Identity()
    setattr(encrypted, ATTRIBUTE, "some info")
    monkeypatch.setattr(module, "load_checkpoint", lambda path: (encrypted, SPEC))
    with pytest.raises(UsageError, match="encrypted model"):
        plain_classifier(run)
