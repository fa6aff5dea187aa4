import numpy as np
import pytest
from safetensors.torch import save_file

from pixelveil.data.sets import SetImages
from pixelveil.errors import UsageError
from pixelveil.models.backbones import create_backbone
from pixelveil.training.experiment import Cell
from pixelveil.training.experiment_cells import RUNNERS, Place, figures_of_answers, squared

COUNT, SIDE = 48, 16


@pytest.fixture(scope="module")
def images():
    labels = np.arange(COUNT) % 2
    drawn = np.random.default_rng(0).normal(0, 25, (COUNT, SIDE, SIDE, 3)) + 40 + 150 * labels[:, None, None, None]
    pixels = drawn.clip(0, 255).astype(np.uint8)
    cut = COUNT - 16
    return SetImages(
        train=pixels[:cut],
        train_labels=labels[:cut],
        train_groups=np.arange(cut),
        test=pixels[cut:],
        test_labels=labels[cut:],
        classes=("dark", "light"),
        facts={"train_images": cut, "test_images": COUNT - cut, "weakness": ""},
    )


def run(tmp_path, images, *, begin=None, **settings):
    values = {"name": "a", "dataset": "cifar10", "network": "vit-cifar", "epochs": 1, "validation": 0.25} | settings
    if values.get("kind", "network") != "classical":
        values.setdefault("recipe", {"batch_size": 8})
    if values["network"] == "vit-cifar":
        values.setdefault("network_options", {"depth": 1, "embed_dim": 24, "num_heads": 2})
    cell = Cell(**values)
    return RUNNERS[cell.kind](cell, images, Place(folder=tmp_path / "run", weights=begin), None)


@pytest.mark.parametrize(
    ("scheme", "settings", "adaptation"),
    [
        ("", {}, "none"),
        ("vit-permutation", {"parameters": {"block_size": 4}}, "none"),
        ("skk", {"network": "resnet20", "key_policy": "ephemeral"}, "invariant"),
        ("skk", {"encrypt": "every epoch", "network": "resnet20"}, "invariant"),
        ("svd-popescu", {"parameters": {"components": 4}, "network": "resnet20"}, "none"),
        ("etc-gray", {"network": "resnet20"}, "ele"),
    ],
)
def test_networks_are_trained_on_images_of_any_kind(tmp_path, images, scheme, settings, adaptation):
    found = run(tmp_path, images, scheme=scheme, **settings)
    assert found["adaptation"] == adaptation
    assert np.sum(found["confusion"]) == len(images.test)
    assert 0 <= found["interval_95"][0] <= found["accuracy"] <= found["interval_95"][1] <= 100
    assert len(found["curve"]) == 1


def test_an_encrypted_model_gives_all_answers_and_trains_once(tmp_path, images):
    recipe = {"batch_size": 8, "learning_rate": 5e-3}
    settings = {"kind": "encrypted model", "parameters": {"block_size": 4}, "epochs": 4, "recipe": recipe}
    first = run(tmp_path, images, scheme="vit-permutation", **settings)
    states = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("state.safetensors")}
    assert len(states) == 1
    second = run(tmp_path, images, scheme="vit-orthogonal", **settings)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("state.safetensors")} == states
    for found in (first, second):
        assert found["answers_equal"] == len(images.test)
        assert found["accuracy"] == found["plain_accuracy"]
        assert found["largest_difference"] < 1e-3
        assert found["no_key_accuracy"] <= found["plain_accuracy"]
    assert first["plain_accuracy"] == second["plain_accuracy"] > 80


def test_a_classical_learner_answers_as_on_plain_images(tmp_path, images):
    pytest.importorskip("sklearn")
    same = run(tmp_path, images, kind="classical", network="kernel-svm", scheme="etc-color")
    assert same["answers_equal"] == len(images.test)
    assert same["accuracy"] == same["plain_accuracy"]


def test_a_transformation_is_trained_with_its_classifier(tmp_path, images):
    recipe = {
        "width": 2,
        "depth": 2,
        "classifier_epochs": 1,
        "batch_size": 8,
        "perceptual": "classifier",
        "layer": "layer1",
    }
    settings = {"kind": "learned", "network": "resnet20", "parameters": recipe}
    found = run(tmp_path, images, scheme="image-to-perturbation", **settings)
    assert np.sum(found["confusion"]) == len(images.test)
    assert 0 <= found["plain_accuracy"] <= 100
    assert len(found["curve"]) == 1
    assert len(list((tmp_path / "run" / "plain").rglob("*.png"))) == len(images.train)


def test_without_a_whole_picture_to_validate_a_cell_is_refused(tmp_path, images):
    with pytest.raises(UsageError, match="less than one picture"):
        run(tmp_path, images, validation=0.01)


def test_images_are_made_squares_or_refused():
    narrow = squared(np.ones((2, 4, 3, 3), np.float32))
    assert narrow.shape == (2, 4, 4, 3)
    assert narrow.sum() == 2 * 4 * 3 * 3
    with pytest.raises(UsageError, match="no squares"):
        squared(np.ones((1, 4, 8, 3)))


def test_figures_follow_from_answers():
    found = figures_of_answers(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]), classes=3)
    assert found["accuracy"] == 75
    assert found["confusion"] == [[1, 0, 0], [0, 1, 1], [0, 0, 1]]


def test_a_network_begins_with_public_weights_and_their_normalization(tmp_path, images):
    settings = {"network": "resnet20", "recipe": {"batch_size": 8, "learning_rate": 1e-9, "optimizer": "sgd"}}
    curves = []
    for seed in (5, 6):
        weights = tmp_path / "small.safetensors"
        save_file(create_backbone("resnet20", num_classes=2, image_size=SIDE, seed=seed).state_dict(), weights)
        begun = run(tmp_path / str(seed), images, begin=weights, **settings | {"weights": weights.name})
        assert begun["input"]["mean"] == [0.485, 0.456, 0.406]
        curves.append(begun["curve"])
    assert curves[0] != curves[1]  # nothing but the weights differs
    assert run(tmp_path / "fresh", images, **settings)["input"]["mean"] == [0.5, 0.5, 0.5]
