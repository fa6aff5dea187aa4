"""The training loop: small, restartable, the same for plain and encrypted images.

Every random draw of an epoch is a function of the seed and the epoch's number, so a run that was killed and started
again ends with the weights of a run that was not.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from pixelveil.atomic import write_atomic
from pixelveil.errors import MissingExtraError, UsageError
from pixelveil.models.adaptation import auxiliary_modules
from pixelveil.models.adaptation.ele_adapt import PositionalBlocks
from pixelveil.models.per_position import DenseEmbedding, SignedEmbedding
from pixelveil.training.augment import Augmentation, augment
from pixelveil.training.average import average_of, update_average
from pixelveil.training.dataset import ImageDataset, ImageSource, to_network
from pixelveil.training.evaluate import accuracy, predict_logits
from pixelveil.training.mixing import mix_pairs
from pixelveil.training.models import ModelSpec, load_checkpoint, save_checkpoint
from pixelveil.training.on_the_fly import Encrypting, encrypted_batch, encrypted_images
from pixelveil.training.state import load_state, save_state

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["TrainResult", "TrainSettings", "learning_rate_at", "train"]


@dataclass(frozen=True)
class TrainSettings:
    """How to train.

    Args:
        epochs: Passes over the training images.
        batch_size: Images a step.
        learning_rate: Its largest value, after warm-up.
        weight_decay: Decoupled in AdamW; biases, norms and position embeddings are spared.
        warmup: Share of all steps in which the learning rate rises linearly.
        optimizer: ``"adamw"``, or ``"sgd"`` with Nesterov momentum.
        momentum: Of SGD.
        schedule: ``"cosine"`` falls to zero; ``"step"`` divides by 10 at each milestone.
        milestones: Shares of all steps.
        seed: Decides order, augmentation and dropout.
        precision: ``"bf16"`` runs the network in bfloat16 but for its first layer, ``"no"`` in float32.
        label_smoothing: Share of the target that is spread over all classes.
        gradient_clip: Largest norm of the gradient.
        channels_last: Keep images and weights in channels-last order (convolutional networks gain).
        augmentation: Movements of training images; for encrypted ones only what their scheme permits.
        mixup: Alpha of weighted sums of two images; 0: none.
        cutmix: Alpha of boxes of another image; 0: none.
        ema: Decay of the moving average of the weights, which is then validated and kept; 0: none.
        patience: Epochs without a better validation accuracy after which training ends; 0: it never ends early.
    """

    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 5e-4
    weight_decay: float = 0.05
    warmup: float = 0.1
    seed: int = 0
    precision: str = "no"
    label_smoothing: float = 0.0
    gradient_clip: float = 1.0
    channels_last: bool = False
    augmentation: Augmentation = field(default_factory=Augmentation)
    optimizer: str = "adamw"
    momentum: float = 0.9
    schedule: str = "cosine"
    milestones: tuple[float, ...] = (0.5, 0.75)
    mixup: float = 0.0
    cutmix: float = 0.0
    ema: float = 0.0
    patience: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.epochs < 1 or self.batch_size < 1:
            raise UsageError("epochs and batch size must be at least 1")
        if self.precision not in ("bf16", "no"):
            raise UsageError(f"precision {self.precision!r} is neither 'bf16' nor 'no'")
        if not 0 <= self.warmup < 1 or self.learning_rate <= 0:
            raise UsageError("warm-up must lie in [0, 1) and the learning rate must be positive")
        if self.optimizer not in ("adamw", "sgd") or self.schedule not in ("cosine", "step"):
            raise UsageError(f"there is no optimizer {self.optimizer!r} with the schedule {self.schedule!r}")
        if not 0 <= self.ema < 1 or not 0 <= self.label_smoothing < 1 or not 0 <= self.momentum < 1:
            raise UsageError("the average's decay, label smoothing and momentum must lie in [0, 1)")
        if min(self.mixup, self.cutmix, self.patience) < 0:
            raise UsageError("mixup, cutmix and patience must not be negative")


@dataclass(frozen=True)
class TrainResult:
    """What a run gave; accuracies in percent.

    Args:
        checkpoint: The weights that did best on the validation images.
        best_epoch: When they were reached, counted from 1.
        best_accuracy: On the validation images.
        history: One entry an epoch, as in ``log.jsonl``.
    """

    checkpoint: Path
    best_epoch: int
    best_accuracy: float
    history: tuple[dict[str, float], ...]


def learning_rate_at(step: int, *, steps: int, settings: TrainSettings) -> float:
    """Return the learning rate of one step: a linear rise, then half a cosine down to zero, or steps down by 10.

    >>> settings = TrainSettings(learning_rate=1.0, warmup=0.1)
    >>> [round(learning_rate_at(step, steps=100, settings=settings), 2) for step in (0, 9, 54, 99)]
    [0.1, 1.0, 0.5, 0.0]
    """
    warm = int(settings.warmup * steps)
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    if settings.schedule == "step":
        return settings.learning_rate * 0.1 ** sum(step >= int(share * steps) for share in settings.milestones)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * (step + 1 - warm) / max(1, steps - warm)))


def train(
    model: nn.Module,
    *,
    spec: ModelSpec,
    train_set: ImageSource,
    validation_set: ImageSource,
    settings: TrainSettings,
    out: Path,
    origin: str = "",
    encrypting: Encrypting | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> TrainResult:
    """Train a classifier; call it again after a kill and it goes on where the last whole epoch ended.

    ``out`` then holds ``state.safetensors`` (to go on), ``best.safetensors`` (the checkpoint), ``run.json`` (settings,
    seed, model, data) and ``log.jsonl``. Parts of the model that have an ``auxiliary_loss`` add it to the loss.

    Args:
        model: What ``spec`` builds, or an encrypted model of that kind; it ends with the weights of the best epoch.
        spec: Goes into the checkpoint, and tells how images are normalized.
        train_set: Images to learn from.
        validation_set: Images that choose the best epoch.
        settings: How to train.
        out: Folder of the run; made if missing.
        origin: Names the weights that the run began with, so that it is not continued from others; empty: fresh ones.
        encrypting: Encrypts each batch here, after it was augmented, and the validation images once; None: the images
            are read as they are.
        advance: Called with the steps done and the steps in all.

    Raises:
        UsageError: A set is empty, or ``out`` holds a run with other settings or data.
        MissingExtraError: accelerate is not installed.
    """
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise MissingExtraError("training", extra="train") from error

    if not len(train_set) or not len(validation_set):
        raise UsageError("training needs at least one training and one validation image")
    out.mkdir(parents=True, exist_ok=True)
    accelerator = Accelerator(mixed_precision="no")  # bfloat16 is chosen below, layer by layer
    if settings.channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = _optimizer(model, settings)
    wrapped, stepper = accelerator.prepare(model, optimizer)
    run = {
        "settings": asdict(settings),
        "model": spec.to_metadata(),
        "data": {"training": _digest(train_set), "validation": _digest(validation_set)},
        **({"origin": origin} if origin else {}),
        **({"encryption": encrypting.facts} if encrypting is not None else {}),
    }
    average = average_of(model) if settings.ema else None
    stored = model if average is None else nn.ModuleDict({"model": model, "average": average})
    state = load_state(out / "state.safetensors", model=stored, optimizer=optimizer, run=run)
    progress = state or {"epoch": 0, "best_epoch": 0, "best_accuracy": -1.0, "history": []}
    steps = settings.epochs * _steps_per_epoch(len(train_set), settings.batch_size)
    best = out / "best.safetensors"
    if accelerator.is_main_process and state is None:
        write_atomic(out / "run.json", json.dumps(run, indent=1).encode())
    judged = model if average is None else average
    if encrypting is not None and not _is_over(progress, settings):
        validation_set = encrypted_images(validation_set, encrypting=encrypting)
    while not _is_over(progress, settings):
        epoch = progress["epoch"] + 1
        started = time.perf_counter()
        loss = _run_epoch(
            wrapped,
            stepper,
            accelerator,
            spec,
            train_set,
            settings,
            epoch=epoch,
            steps=steps,
            encrypting=encrypting,
            after_step=_averaging(average, model, decay=settings.ema),
            advance=advance,
        )
        seconds = time.perf_counter() - started
        logits = predict_logits(judged, validation_set, mean=spec.mean, std=spec.std)
        score = accuracy(logits, validation_set.labels)
        progress["history"].append(
            {
                "epoch": epoch,
                "train_loss": loss,
                "validation_accuracy": score,
                "seconds": seconds,
                "images_per_second": len(train_set) / seconds,
            }
        )
        progress["epoch"] = epoch
        better = score >= progress["best_accuracy"]  # of equal epochs the later one has learned more
        if better:
            progress |= {"best_epoch": epoch, "best_accuracy": score}
        if accelerator.is_main_process:
            if better:
                save_checkpoint(best, judged, spec=spec)
            save_state(out / "state.safetensors", model=stored, optimizer=optimizer, run=run, progress=progress)
            log = "".join(json.dumps(entry) + "\n" for entry in progress["history"])
            write_atomic(out / "log.jsonl", log.encode())
    accelerator.wait_for_everyone()
    model.load_state_dict(load_checkpoint(best)[0].state_dict())
    return TrainResult(
        checkpoint=best,
        best_epoch=progress["best_epoch"],
        best_accuracy=progress["best_accuracy"],
        history=tuple(progress["history"]),
    )


def _is_over(progress: dict[str, Any], settings: TrainSettings) -> bool:
    """Tell whether all epochs are done, or patience is at its end."""
    done: int = progress["epoch"]
    best: int = progress["best_epoch"]
    return done >= settings.epochs or 0 < settings.patience <= done - best


def _run_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    accelerator: Accelerator,
    spec: ModelSpec,
    train_set: ImageSource,
    settings: TrainSettings,
    *,
    epoch: int,
    steps: int,
    encrypting: Encrypting | None,
    after_step: Callable[[int], None],
    advance: Callable[[int, int], None] | None,
) -> float:
    """Go once over the training images; return the mean loss."""
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + epoch)
    random = np.random.default_rng([settings.seed, epoch])
    auxiliary = auxiliary_modules(model)
    loader = accelerator.prepare_data_loader(
        DataLoader(
            ImageDataset(train_set),
            batch_size=settings.batch_size,
            sampler=torch.randperm(len(train_set), generator=generator).tolist(),
            drop_last=len(train_set) > settings.batch_size,
            collate_fn=_as_is,
        )
    )
    device = accelerator.device
    before = (epoch - 1) * (steps // settings.epochs)
    total = torch.zeros((), device=device)
    model.train()
    with torch.random.fork_rng(), _float32_stem(model):
        torch.manual_seed(settings.seed * 1_000_003 + epoch)  # dropout
        for number, (raw, labels) in enumerate(loader):
            if encrypting is not None:
                raw = encrypted_batch(raw, moves=settings.augmentation, generator=generator, encrypting=encrypting)
            batch = to_network(raw, mean=spec.mean, std=spec.std, device=device)
            if encrypting is None:
                batch = augment(batch, settings=settings.augmentation, generator=generator)
            batch, partner, share = mix_pairs(batch, mixup=settings.mixup, cutmix=settings.cutmix, random=random)
            if settings.channels_last:
                batch = batch.contiguous(memory_format=torch.channels_last)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=settings.precision == "bf16"):
                logits = model(batch)
            loss = _loss(logits.float(), labels.to(device), partner=partner, share=share, settings=settings)
            for part in auxiliary:
                loss = loss + part.auxiliary_loss()
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(before + number, steps=steps, settings=settings)
            optimizer.zero_grad()
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), settings.gradient_clip)
            optimizer.step()
            after_step(before + number)
            total += loss.detach()
            if advance is not None:
                advance(before + number + 1, steps)
    return float(total) / max(1, len(loader))


def _loss(logits: Tensor, labels: Tensor, *, partner: Tensor | None, share: float, settings: TrainSettings) -> Tensor:
    """Return the cross entropy with the labels; of mixed images, with those of both in their shares."""
    loss = functional.cross_entropy(logits, labels, label_smoothing=settings.label_smoothing)
    if partner is None:
        return loss
    other = functional.cross_entropy(logits, labels[partner], label_smoothing=settings.label_smoothing)
    return share * loss + (1 - share) * other


def _averaging(average: nn.Module | None, model: nn.Module, *, decay: float) -> Callable[[int], None]:
    """Return what is to be done after each step, given its number: update the average, if there is one."""
    if average is None:
        return lambda step: None
    return lambda step: update_average(average, model, decay=decay, step=step)


@contextmanager
def _float32_stem(model: nn.Module) -> Iterator[None]:
    """Keep the first layer in float32: bfloat16 rounding of encrypted embeddings is amplified (it hurts accuracy)."""
    kinds = (nn.Conv2d, nn.Linear, SignedEmbedding, DenseEmbedding, PositionalBlocks)
    layer = next(module for module in model.modules() if isinstance(module, kinds))
    forward = layer.forward

    def in_float32(batch: Tensor) -> Tensor:
        with torch.autocast(batch.device.type, enabled=False):
            return forward(batch.float())

    vars(layer)["forward"] = in_float32  # an instance's own attribute hides the method
    try:
        yield
    finally:
        del vars(layer)["forward"]


def _optimizer(model: nn.Module, settings: TrainSettings) -> torch.optim.Optimizer:
    groups = _parameter_groups(model, settings.weight_decay)
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=settings.learning_rate)
    return torch.optim.SGD(
        groups, lr=settings.learning_rate, momentum=settings.momentum, nesterov=settings.momentum > 0
    )


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Split the parameters: matrices decay; biases, norms, position embeddings and tokens do not."""
    from timm.optim import param_groups_weight_decay

    named = getattr(model, "no_weight_decay", None)
    spare: set[str] = set() if named is None else named()
    groups: list[dict[str, Any]] = param_groups_weight_decay(model, weight_decay, no_weight_decay_list=spare)
    return groups


def _steps_per_epoch(images: int, batch_size: int) -> int:
    """Count the steps of an epoch; the incomplete last batch is left out unless it is the only one."""
    return max(1, images // batch_size)


def _digest(source: ImageSource) -> str:
    """Name a data set by its labels, so that a run is not continued on other data by mistake."""
    return hashlib.sha256(np.ascontiguousarray(source.labels, dtype="<i8").tobytes()).hexdigest()[:16]


def _as_is(batch: Any) -> Any:
    """Return the batch that the data set already put together."""
    return batch
