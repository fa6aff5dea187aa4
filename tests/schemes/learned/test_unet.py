"""The U-Net: the independent vectors, any size, and what training adds."""

import json
from pathlib import Path

import numpy as np
import pytest

from pixelveil.schemes.learned.unet import unet, unet_shapes

torch = pytest.importorskip("torch")


def weights_for(**size):
    generator = torch.Generator().manual_seed(0)
    weights = {name: torch.rand(shape, generator=generator) - 0.5 for name, shape in unet_shapes(**size).items()}
    return {name: value + 1 if name.endswith(("scale", "variance")) else value for name, value in weights.items()}


def test_five_levels_are_the_published_ones():
    shapes = unet_shapes()
    assert [shapes[f"down{level}/1/kernel"][0] for level in range(5)] == [64, 128, 256, 512, 1024]
    assert shapes["up3/0/kernel"] == (512, 1024, 3, 3)
    assert sum(np.prod(shape) for name, shape in shapes.items() if "mean" not in name and "var" not in name) == 31037763


@pytest.mark.parametrize("side", [(16, 16), (1, 1), (7, 19), (33, 8)])
def test_any_size_stays(side):
    images = torch.rand(2, 3, *side)
    made = unet(images, weights_for(width=2, levels=5))
    assert made.shape == images.shape
    assert made.min() >= 0
    assert made.max() <= 1


def test_padding_repeats_the_border_and_is_cropped():
    weights, images = weights_for(width=2, levels=3), torch.rand(1, 3, 6, 9)
    padded = torch.from_numpy(np.pad(images.numpy(), ((0, 0), (0, 0), (0, 2), (0, 3)), mode="edge"))
    torch.testing.assert_close(unet(images, weights), unet(padded, weights)[:, :, :6, :9])


def test_only_training_moves_the_statistics():
    weights, images = weights_for(width=2, levels=2), torch.rand(4, 3, 8, 8)
    before = {name: value.clone() for name, value in weights.items()}
    still = unet(images, weights)
    assert all(torch.equal(weights[name], before[name]) for name in before)
    moved = unet(images, weights, training=True)
    assert not torch.allclose(still, moved)
    changed = {name for name in before if not torch.equal(weights[name], before[name])}
    assert changed == {name for name in before if name.endswith(("/mean", "/variance"))}


def test_it_is_pytorchs_modules():
    """The first level by hand, from torch.nn."""
    weights, images = weights_for(width=3, levels=1), torch.rand(2, 3, 4, 4)
    features = images
    for part in ("0", "1"):
        name = f"down0/{part}"
        convolution = torch.nn.Conv2d(3, 3, 3, padding=1, bias=False)
        norm = torch.nn.BatchNorm2d(3)
        convolution.load_state_dict({"weight": weights[f"{name}/kernel"]})
        norm.load_state_dict(
            {
                "weight": weights[f"{name}/scale"],
                "bias": weights[f"{name}/shift"],
                "running_mean": weights[f"{name}/mean"],
                "running_var": weights[f"{name}/variance"],
                "num_batches_tracked": torch.tensor(0),
            }
        )
        features = norm.eval()(convolution(features)).relu()
    last = torch.nn.Conv2d(3, 3, 1)
    last.load_state_dict({"weight": weights["last/kernel"], "bias": weights["last/bias"]})
    torch.testing.assert_close(unet(images, weights), last(features).sigmoid())


def test_vectors_are_committed_for_both_networks():
    path = Path(__file__).resolve().parents[3] / "spec" / "vectors" / "networks-v1.json"
    schemes = [case["scheme"] for case in json.loads(path.read_text())["cases"]]
    assert sorted(set(schemes)) == ["gan-transform", "image-to-perturbation"]
