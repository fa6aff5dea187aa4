"""What a demo run found, as plain data. Accuracies are in percent, sizes in bytes, times in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["DataFacts", "DemoResult", "ModelFacts", "SchemeResult"]


@dataclass(frozen=True)
class DataFacts:
    """Which images were used.

    Args:
        name: What the report calls them.
        classes: Class names.
        image_size: Side in pixels at which the model sees them.
        training: Number of images that were learned from.
        validation: Number of images that chose the best epoch.
        test: Number of images that everything below is measured on.
        split: How they were separated, in words.
        left_out: Images that could not be read.
        moved: Test images that were set aside because the training images hold a copy or near copy.
        given_test_accuracy: Plain accuracy on the test images as they were given, copies and all; None if the same.
    """

    name: str
    classes: tuple[str, ...]
    image_size: int
    training: int
    validation: int
    test: int
    split: str
    left_out: int = 0
    moved: int = 0
    given_test_accuracy: float | None = None


@dataclass(frozen=True)
class ModelFacts:
    """Which model was trained, and how.

    Args:
        architecture: timm name.
        options: Further arguments of its constructor.
        parameters: Number of weights.
        epochs: Passes over the training images.
        planned_epochs: Passes that were planned; more than were made if the machine became slower.
        best_epoch: The one whose weights are used.
        precision: "bf16" or "no" (float32).
        threads: PyTorch threads that trained.
        training_seconds: How long it took.
        images_per_second: Median over the epochs.
        history: Training loss and validation accuracy by epoch.
    """

    architecture: str
    options: Mapping[str, Any]
    parameters: int
    epochs: int
    planned_epochs: int
    best_epoch: int
    precision: str
    threads: int
    training_seconds: float
    images_per_second: float
    history: tuple[Mapping[str, float], ...]


@dataclass(frozen=True)
class SchemeResult:
    """What was measured for one scheme, with one trained model.

    Args:
        scheme: Its name.
        parameters: Its parameters.
        key_policy: "shared", "derived" or "ephemeral".
        key_bits: Nominal size of the key space for one of the test images; says nothing about attacks.
        plain_accuracy: Plain model, plain images.
        encrypted_accuracy: Encrypted model, encrypted images.
        predictions_equal: Images on which these two answer alike; it must be all.
        images: Number of test images.
        wrong_key_accuracy: Encrypted model, images encrypted with a wrong key; mean.
        wrong_key_accuracies: The same, key by key.
        wrong_key_most_frequent_answer: Images that get the most frequent answer then, in percent; mean. Near 100 the
            model tells nothing apart.
        plain_model_on_encrypted_accuracy: Plain model, encrypted images.
        encrypted_model_on_plain_accuracy: Encrypted model, plain images.
        max_logit_difference: Largest difference of logits in float32.
        max_logit_difference_float64: The same in float64.
        stem_bytes: What is exchanged to change the key of the model.
        rekey_seconds: New key, new stem, put in place.
        rekeyed_predictions_equal: Images on which the re-keyed model answers as the plain one; it must be all.
        encrypt_megabytes_per_second: Of plain bytes, whole batch, warm, median.
        encrypt_batch_bytes: Size of that batch.
        decryption_exact: Whether decryption gives the bytes back.
        decryption_max_error: Largest error of a decrypted value before it is rounded, in grey levels.
    """

    scheme: str
    parameters: Mapping[str, Any]
    key_policy: str
    key_bits: float
    plain_accuracy: float
    encrypted_accuracy: float
    predictions_equal: int
    images: int
    wrong_key_accuracy: float
    wrong_key_accuracies: tuple[float, ...]
    wrong_key_most_frequent_answer: float
    plain_model_on_encrypted_accuracy: float
    encrypted_model_on_plain_accuracy: float
    max_logit_difference: float
    max_logit_difference_float64: float
    stem_bytes: int
    rekey_seconds: float
    rekeyed_predictions_equal: int
    encrypt_megabytes_per_second: float
    encrypt_batch_bytes: int
    decryption_exact: bool
    decryption_max_error: float


@dataclass(frozen=True)
class DemoResult:
    """A whole run.

    Args:
        data: Which images.
        model: Which model.
        schemes: What was measured, the chosen scheme first.
        plain_interval: 95 % score interval of the plain accuracy.
        chance: Accuracy of always answering the most frequent class of the test images.
        confusion: Test images by true class (row) and plain answer (column).
        machine: Processor, cores, memory, graphics processor.
        versions: Of Python and the packages that matter.
        commit: Of pixelveil's own repository; empty for an installed package.
        seconds: From start to report.
        stages: Seconds by stage.
        report: The HTML page.
    """

    data: DataFacts
    model: ModelFacts
    schemes: tuple[SchemeResult, ...]
    plain_interval: tuple[float, float]
    chance: float
    confusion: tuple[tuple[int, ...], ...]
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    commit: str
    seconds: float
    stages: Mapping[str, float]
    report: str

    @property
    def chosen(self) -> SchemeResult:
        """The scheme that was asked for."""
        return self.schemes[0]

    def to_json(self) -> dict[str, Any]:
        """Return one JSON object: the chosen scheme's figures on top, then everything."""
        top = self.chosen
        result = {
            "scheme": top.scheme,
            "unit_of_accuracy": "percent",
            "plain_accuracy": top.plain_accuracy,
            "plain_accuracy_interval_95": self.plain_interval,
            "encrypted_accuracy": top.encrypted_accuracy,
            "predictions_equal": f"{top.predictions_equal} of {top.images}",
            "wrong_key_accuracy": top.wrong_key_accuracy,
            "plain_model_on_encrypted_accuracy": top.plain_model_on_encrypted_accuracy,
            "encrypted_model_on_plain_accuracy": top.encrypted_model_on_plain_accuracy,
            "chance": self.chance,
            "max_logit_difference": top.max_logit_difference,
            "max_logit_difference_float64": top.max_logit_difference_float64,
            "encrypt_megabytes_per_second": top.encrypt_megabytes_per_second,
            "seconds": self.seconds,
            "report": self.report,
            "schemes": {
                entry.scheme: asdict(entry) | {"predictions_equal": f"{entry.predictions_equal} of {entry.images}"}
                for entry in self.schemes
            },
            "data": asdict(self.data),
            "model": asdict(self.model),
            "confusion": self.confusion,
            "machine": dict(self.machine),
            "versions": dict(self.versions),
            "commit": self.commit,
            "stages": dict(self.stages),
        }
        return {name: _rounded(value) for name, value in result.items()}


def _rounded(value: Any) -> Any:
    """Keep six significant digits; the rest is noise."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {name: _rounded(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(entry) for entry in value]
    return value
