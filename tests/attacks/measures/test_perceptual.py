"""LPIPS with random weights in the network, against a computation of its own in plain NumPy and convolutions."""

import sys
from pathlib import Path

import numpy as np
import pytest

from pixelveil.attacks.measures.perceptual import load_lpips
from pixelveil.errors import MissingExtraError, UsageError

torch = pytest.importorskip("torch")
lpips = pytest.importorskip("lpips")
save_file = pytest.importorskip("safetensors.torch").save_file

# kernel, stride, padding, channels in and out, and whether a pooling goes before
LAYERS = {
    0: (11, 4, 2, 3, 64, False),
    3: (5, 1, 2, 64, 192, True),
    6: (3, 1, 1, 192, 384, True),
    8: (3, 1, 1, 384, 256, False),
    10: (3, 1, 1, 256, 256, False),
}


@pytest.fixture(scope="module")
def tensors():
    generator = torch.Generator().manual_seed(0)
    found = {}
    for number, (kernel, _, _, narrow, wide, _) in LAYERS.items():
        scale = (2 / (narrow * kernel * kernel)) ** 0.5
        found[f"features.{number}.weight"] = torch.randn(wide, narrow, kernel, kernel, generator=generator) * scale
        found[f"features.{number}.bias"] = torch.randn(wide, generator=generator) * 0.1
    return found


@pytest.fixture(scope="module")
def weights(tensors, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "alexnet.safetensors"
    save_file({**tensors, "classifier.6.bias": torch.zeros(1000)}, path)
    return path


@pytest.fixture(scope="module")
def distance(weights):
    return load_lpips(weights)


def noise(count, shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def answers(images, tensors):
    """Of the five layers, each place of length one."""
    shift, scale = np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450])
    values = (2 * (images / 255) - 1 - shift) / scale
    signal = torch.tensor(values.transpose(0, 3, 1, 2), dtype=torch.float32)
    for number, (_, stride, padding, _, _, pooled) in LAYERS.items():
        if pooled:
            signal = torch.nn.functional.max_pool2d(signal, 3, 2)
        kernel, bias = (tensors[f"features.{number}.{kind}"] for kind in ("weight", "bias"))
        signal = torch.relu(torch.nn.functional.conv2d(signal, kernel, bias, stride, padding))
        found = signal.double().numpy()
        yield found / (np.sqrt(np.square(found).sum(axis=1, keepdims=True)) + 1e-10)


def expected(first, second, tensors):
    path = Path(lpips.__file__).parent / "weights" / "v0.1" / "alex.pth"
    judged = torch.load(path, map_location="cpu", weights_only=True)
    total = np.zeros(len(first))
    for place, (a, b) in enumerate(zip(answers(first, tensors), answers(second, tensors), strict=True)):
        weight = judged[f"lin{place}.model.1.weight"].double().numpy().reshape(-1)
        total += np.einsum("nchw,c->n", (a - b) ** 2, weight) / (a.shape[2] * a.shape[3])
    return total


@pytest.mark.parametrize("side", [31, 32, 64])
def test_it_is_what_the_paper_says(distance, tensors, side):
    first, second = noise(3, (side, side, 3)), noise(3, (side, side, 3), 1)
    second[2] = first[2] // 2
    np.testing.assert_allclose(distance(first, second), expected(first, second, tensors), rtol=1e-4)


def test_equal_images_are_at_zero_and_batches_do_not_matter(distance):
    images, others = noise(40, (32, 32, 3)), noise(40, (32, 32, 3), 1)
    assert distance(images, images).tolist() == [0] * 40
    found = distance(images, others)
    assert found.min() > 0
    np.testing.assert_allclose(distance(others, images), found, rtol=1e-4)
    np.testing.assert_allclose(distance(images[37:], others[37:]), found[37:], rtol=1e-4)


def test_gray_images_are_those_of_three_equal_channels(distance):
    first, second = noise(2, (32, 40, 1)), noise(2, (32, 40, 1), 1)
    repeated = distance(first.repeat(3, axis=3), second.repeat(3, axis=3))
    np.testing.assert_allclose(distance(first, second), repeated, rtol=1e-5)


def test_loading_leaves_the_generator_alone_and_is_repeatable(weights, distance):
    state = torch.random.get_rng_state()
    images, others = noise(2, (32, 32, 3)), noise(2, (32, 32, 3), 1)
    np.testing.assert_array_equal(load_lpips(weights)(images, others), distance(images, others))
    assert torch.equal(state, torch.random.get_rng_state())


def test_what_it_cannot_measure_is_refused(distance):
    with pytest.raises(UsageError, match="31 pixels"):
        distance(noise(1, (30, 40, 3)), noise(1, (30, 40, 3)))
    with pytest.raises(UsageError, match="measures take uint8"):
        distance(np.zeros((1, 32, 32, 3)), np.zeros((1, 32, 32, 3)))


def test_other_files_are_refused(tmp_path, tensors):
    with pytest.raises(UsageError, match="no such file"):
        load_lpips(tmp_path / "missing.safetensors")
    (tmp_path / "text.safetensors").write_text("no weights")
    with pytest.raises(UsageError, match="no safetensors file"):
        load_lpips(tmp_path / "text.safetensors")
    for name, content in {
        "fewer": {name: one for name, one in tensors.items() if ".10." not in name},
        "other": tensors | {"features.0.weight": torch.zeros(4, 3, 3, 3)},
    }.items():
        save_file(content, tmp_path / f"{name}.safetensors")
        with pytest.raises(UsageError, match="AlexNet"):
            load_lpips(tmp_path / f"{name}.safetensors")


def test_without_the_package_the_extra_is_named(weights, monkeypatch):
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(MissingExtraError, match="perceptual"):
        load_lpips(weights)
