import sys

import numpy as np
import pytest

from pixelveil.attacks.games.pretrained_features import load_features, network_features
from pixelveil.errors import MissingExtraError, UsageError

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")
save_file = pytest.importorskip("safetensors.torch").save_file

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.5)


def noise(count=5, side=32):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(3)
    model = timm.create_model("test_resnet", num_classes=4)
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


def test_they_are_means_and_deviations_of_what_layers_answer():
    model = torch.nn.Conv2d(3, 2, 1)
    images = noise()
    found = network_features(model, layers=lambda m, batch: [m(batch), batch], mean=MEAN, std=STD, size=32)(images)
    values = (images / 255 - np.array(MEAN)) / np.array(STD)
    expected = np.concatenate([values.mean(axis=(1, 2)), values.std(axis=(1, 2))], axis=1)
    np.testing.assert_allclose(found["layer 2"], expected, rtol=1e-4)
    kernel, bias = model.weight.detach().numpy()[:, :, 0, 0], model.bias.detach().numpy()
    np.testing.assert_allclose(found["layer 1"][:, :2], expected[:, :3] @ kernel.T + bias, rtol=1e-3, atol=1e-5)


def test_a_file_of_weights_is_read_and_says_the_same_every_time(weights):
    state = torch.random.get_rng_state()
    first = load_features(weights, architecture="test_resnet")(noise())
    second = load_features(weights, architecture="test_resnet")(noise())
    assert len(first) > 2
    for name, rows in first.items():
        np.testing.assert_array_equal(rows, second[name])
        assert rows.std(axis=0).max() > 0
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_checkpoint_of_this_package_says_what_it_is(tmp_path):
    from pixelveil.training.models import ModelSpec, save_checkpoint

    spec = ModelSpec(architecture="test_vit", num_classes=3, image_size=64, mean=MEAN, std=STD)
    save_checkpoint(tmp_path / "best.safetensors", spec.build(), spec=spec)
    found = load_features(tmp_path / "best.safetensors")(noise(2))
    assert all(np.isfinite(rows).all() and len(rows) == 2 for rows in found.values())


def test_what_is_no_network_is_refused(weights, tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        load_features(tmp_path / "missing.safetensors", architecture="test_resnet")
    with pytest.raises(UsageError, match="no model of timm"):
        load_features(weights)
    with pytest.raises(UsageError, match="no weights of test_vit"):
        load_features(weights, architecture="test_vit")
    (tmp_path / "other.safetensors").write_bytes(b"no tensors at all")
    with pytest.raises(UsageError, match="no safetensors file"):
        load_features(tmp_path / "other.safetensors", architecture="test_resnet")


def test_without_timm_the_extra_is_named(weights, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingExtraError, match="models"):
        load_features(weights, architecture="test_resnet")
