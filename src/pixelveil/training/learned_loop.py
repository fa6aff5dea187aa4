"""Train the network of a learned scheme; a run that was killed and started again ends like one that was not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pixelveil.atomic import write_atomic
from pixelveil.errors import UsageError
from pixelveil.schemes.learned.generator import generator, generator_shapes
from pixelveil.schemes.learned.unet import unet, unet_shapes
from pixelveil.training.dataset import ImageSource
from pixelveil.training.learned_features import Judge
from pixelveil.training.learned_recipe import Recipe, learning_rate_in
from pixelveil.training.state import load_state, save_state

__all__ = ["Losses", "Painter", "TrainedNetwork", "flipped_and_cropped", "losses", "painter_for", "train_network"]

_BUFFERS = ("/mean", "/variance")
_GENERATOR_STD = 0.02  # as CycleGAN begins


class Painter(nn.Module):
    """A network of `schemes.learned` as a module that can be trained.

    Args:
        function: Of images and weights by name.
        weights: Where it begins; running statistics take no gradient.
    """

    def __init__(self, function: Callable[..., Tensor], weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.function = function
        for name, tensor in weights.items():
            if name.endswith(_BUFFERS):
                self.register_buffer(name, tensor)
            else:
                self.register_parameter(name, nn.Parameter(tensor))

    def forward(self, images: Tensor) -> Tensor:
        """Return what the network makes of images (n, 3, H, W) in [0, 1]."""
        weights = {**dict(self.named_parameters()), **dict(self.named_buffers())}
        result: Tensor = self.function(images, weights, training=self.training)
        return result

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return copies of the weights, by name."""
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in self.state_dict().items()}


def painter_for(recipe: Recipe, *, seed: int) -> Painter:
    """Return the network of a recipe with its first weights.

    A U-Net begins as PyTorch's layers do, uniform in ``+-1/sqrt(fan in)``; a generator as CycleGAN, normal with
    deviation 0.02.
    """
    draws = torch.Generator().manual_seed(seed)
    if recipe.network == "generator":
        shapes = generator_shapes(width=recipe.width, blocks=recipe.depth)
        weights = {
            name: torch.randn(shape, generator=draws) * (_GENERATOR_STD if name.endswith("kernel") else 0.0)
            for name, shape in shapes.items()
        }
        return Painter(generator, weights)
    shapes = unet_shapes(width=recipe.width, levels=recipe.depth)
    weights = {}
    for name, shape in shapes.items():
        if name.endswith(("/kernel", "/bias")):
            bound = 1 / math.sqrt(math.prod(shapes[f"{name.rpartition('/')[0]}/kernel"][1:]))
            weights[name] = bound * (2 * torch.rand(shape, generator=draws) - 1)
        else:
            weights[name] = torch.full(shape, 1.0 if name.endswith(("/scale", "/variance")) else 0.0)
    return Painter(unet, weights)


class Losses(NamedTuple):
    """Parts of the loss, each a mean over the batch."""

    total: Tensor
    """What the network minimizes."""
    opponent: Tensor
    """What the opponent minimizes, ``MSE(z, x)``; zero where there is none."""
    cross_entropy: Tensor
    feature_error: Tensor
    pixel_error: Tensor
    """``MSE(x', x)``, in the unit interval squared."""
    right: Tensor
    """Share of images whose label the classifier still finds."""


def losses(images: Tensor, labels: Tensor, *, networks: nn.ModuleDict, judge: Judge, recipe: Recipe) -> Losses:
    """Return the loss of a batch; see `Recipe`.

    Args:
        images: Plain, (n, 3, H, W), in [0, 1].
        labels: (n,).
        networks: "network", and "opponent" where there is one.
        judge: Classifier and features.
        recipe: Weights of the parts.
    """
    made = networks["network"](images)
    shown, plain = judge.normalized(made), judge.normalized(images)
    logits = judge.classifier(shown)
    entropy = functional.cross_entropy(logits, labels)
    with torch.no_grad():
        target = judge.features(plain)
    feature_error = functional.mse_loss(judge.features(shown), target)
    pixel_error = functional.mse_loss(made, images)
    opponent_error = functional.mse_loss(networks["opponent"](made), images) if recipe.opponent else 0 * pixel_error
    pushed = opponent_error if recipe.opponent else pixel_error
    total = entropy - recipe.feature_weight * feature_error - recipe.pixel_weight * pushed
    right = (logits.argmax(dim=1) == labels).float().mean()
    return Losses(total, opponent_error, entropy, feature_error, pixel_error, right)


@dataclass(frozen=True)
class TrainedNetwork:
    """What a run gave.

    Args:
        painter: The network with the weights that are kept, in evaluation mode.
        epoch: When they were reached: that of the smallest loss on the validation images, or the last where an
            opponent, which changes too, is part of the loss.
        history: One entry an epoch.
    """

    painter: Painter
    epoch: int
    history: tuple[dict[str, float], ...]


def train_network(
    *,
    judge: Judge,
    train_set: ImageSource,
    validation_set: ImageSource,
    recipe: Recipe,
    run: Mapping[str, Any],
    out: Path,
    seed: int = 0,
    device: torch.device | str = "cpu",
    advance: Callable[[int, int], None] | None = None,
) -> TrainedNetwork:
    """Train; call it again after a kill and it goes on where the last whole epoch ended.

    ``out`` then holds ``state.safetensors`` (to go on), ``best.safetensors`` (the weights) and ``log.jsonl``.

    Args:
        judge: Frozen classifier and features, on the device.
        train_set: Plain images to learn from, uint8.
        validation_set: Plain images that choose the epoch.
        recipe: How to train.
        run: JSON values that define the run beside recipe and seed: a state with others is refused.
        out: Folder of the run; made if missing.
        seed: Decides first weights, order, flips and crops.
        device: Where to train.
        advance: Called with the steps done and the steps in all.

    Raises:
        UsageError: Too few images, or ``out`` holds another run.
    """
    from safetensors.torch import load_file, save

    if len(train_set) < 2 or not len(validation_set):
        raise UsageError("training needs at least two training images and one validation image")
    out.mkdir(parents=True, exist_ok=True)
    networks = nn.ModuleDict({"network": painter_for(recipe, seed=seed)})
    if recipe.opponent:
        networks["opponent"] = painter_for(recipe, seed=seed + 1)
    networks.to(device)
    optimizer = _optimizer(networks, recipe)
    defined = {"recipe": recipe.facts, "seed": seed, **run}
    state = load_state(out / "state.safetensors", model=networks, optimizer=optimizer, run=defined)
    progress = state or {"epoch": 0, "best_epoch": 0, "history": []}
    for epoch in range(progress["epoch"] + 1, recipe.epochs + 1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_in(epoch, recipe=recipe)
        trained = _run_epoch(networks, optimizer, judge, train_set, recipe, seed=seed, epoch=epoch, advance=advance)
        checked = _validate(networks, judge, validation_set, recipe)
        known = [entry["validation_total"] for entry in progress["history"]]
        entry = {"epoch": float(epoch)}
        entry |= {f"training_{name}": value for name, value in trained.items()}
        entry |= {f"validation_{name}": value for name, value in checked.items()}
        progress["history"].append(entry)
        progress["epoch"] = epoch
        if recipe.opponent or all(checked["total"] < value for value in known):
            progress["best_epoch"] = epoch
            weights = {name: tensor.detach().cpu() for name, tensor in networks["network"].state_dict().items()}
            write_atomic(out / "best.safetensors", save(weights))
        save_state(out / "state.safetensors", model=networks, optimizer=optimizer, run=defined, progress=progress)
        log = "".join(json.dumps(entry) + "\n" for entry in progress["history"])
        write_atomic(out / "log.jsonl", log.encode())
    painter = painter_for(recipe, seed=seed)
    painter.load_state_dict(load_file(out / "best.safetensors"))
    return TrainedNetwork(painter.to(device).eval(), progress["best_epoch"], tuple(progress["history"]))


def flipped_and_cropped(images: Tensor, *, border: int, flip: bool, generator: torch.Generator) -> Tensor:
    """Return a random window of every image, after zeros were put around it, mirrored or not.

    Args:
        images: (n, C, H, W).
        border: Zeros on each side, in pixels.
        flip: Mirror with probability one half.
        generator: Source of the draws.

    >>> flipped_and_cropped(torch.ones(2, 3, 4, 4), border=1, flip=True, generator=torch.Generator()).shape
    torch.Size([2, 3, 4, 4])
    """
    count, _, height, width = images.shape
    if flip:
        mirrored = torch.rand(count, generator=generator) < 0.5
        images = torch.where(mirrored.to(images.device)[:, None, None, None], images.flip(3), images)
    if border:
        padded = functional.pad(images, (border,) * 4)
        corners = torch.randint(2 * border + 1, (count, 2), generator=generator).tolist()
        cut = [one[:, y : y + height, x : x + width] for one, (y, x) in zip(padded, corners, strict=True)]
        images = torch.stack(cut)
    return images


def _optimizer(networks: nn.ModuleDict, recipe: Recipe) -> torch.optim.Optimizer:
    parameters, rate, decay = networks.parameters(), recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=rate, betas=(recipe.momentum, 0.999), weight_decay=decay)
    return torch.optim.SGD(parameters, lr=rate, momentum=recipe.momentum, weight_decay=decay)


def _run_epoch(
    networks: nn.ModuleDict,
    optimizer: torch.optim.Optimizer,
    judge: Judge,
    train_set: ImageSource,
    recipe: Recipe,
    *,
    seed: int,
    epoch: int,
    advance: Callable[[int, int], None] | None,
) -> dict[str, float]:
    """Go once over the training images; return the means of the parts of the loss."""
    draws = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    order = torch.randperm(len(train_set), generator=draws).tolist()
    steps = max(1, len(order) // recipe.batch_size)  # an incomplete last batch is left out
    sums = dict.fromkeys(Losses._fields, 0.0)
    networks.train()
    for step in range(steps):
        chosen = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
        images, labels = _batch(train_set, chosen, device=_device(networks))
        images = flipped_and_cropped(images, border=recipe.border, flip=recipe.flip, generator=draws)
        parts = losses(images, labels, networks=networks, judge=judge, recipe=recipe)
        _set_gradients(networks, parts)
        optimizer.step()
        sums = {name: sums[name] + float(value.detach()) / steps for name, value in parts._asdict().items()}
        if advance is not None:
            advance((epoch - 1) * steps + step + 1, recipe.epochs * steps)
    return sums


def _set_gradients(networks: nn.ModuleDict, parts: Losses) -> None:
    """Give each network the gradient of its own loss, both at the same weights."""
    for name, loss in (("network", parts.total), ("opponent", parts.opponent)):
        if name in networks:
            weights = list(networks[name].parameters())
            for weight, gradient in zip(weights, torch.autograd.grad(loss, weights, retain_graph=True), strict=True):
                weight.grad = gradient


def _validate(networks: nn.ModuleDict, judge: Judge, source: ImageSource, recipe: Recipe) -> dict[str, float]:
    """Return the means of the parts of the loss over images as they are."""
    sums = dict.fromkeys(Losses._fields, 0.0)
    networks.eval()
    with torch.inference_mode():
        for chosen in _batches(len(source), recipe.batch_size):
            images, labels = _batch(source, chosen, device=_device(networks))
            parts = losses(images, labels, networks=networks, judge=judge, recipe=recipe)
            share = len(chosen) / len(source)
            sums = {name: sums[name] + share * float(value) for name, value in parts._asdict().items()}
    return sums


def _batches(count: int, size: int) -> Iterator[list[int]]:
    for start in range(0, count, size):
        yield list(range(start, min(start + size, count)))


def _batch(source: ImageSource, chosen: list[int], *, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return images (n, 3, H, W) in [0, 1] and labels."""
    images = torch.from_numpy(np.ascontiguousarray(source.read(chosen))).to(device).permute(0, 3, 1, 2).float() / 255
    labels = torch.from_numpy(source.labels[np.asarray(chosen)]).to(device)
    return images.expand(-1, 3, -1, -1), labels


def _device(networks: nn.ModuleDict) -> torch.device:
    return next(networks.parameters()).device
