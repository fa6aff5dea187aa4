"""Everything that is measured for one scheme, with one trained model."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from pixelveil.demo.gallery import decrypt_with
from pixelveil.demo.result import SchemeResult
from pixelveil.errors import VerificationError
from pixelveil.keys import Key
from pixelveil.models import encrypt_model, extract_stem, load_stem, rekey_stem, verify_model
from pixelveil.schemes import Encrypted, Scheme, create_scheme
from pixelveil.training.dataset import ArrayImages
from pixelveil.training.evaluate import accuracy, predict_logits
from pixelveil.training.models import ModelSpec

__all__ = ["encryption_speed", "measure_scheme"]

_WRONG_KEYS = 3
_VERIFIED = 64  # images whose logits are compared in float64
_RUNS = 7
_BUDGET = 1_000_000
_STEPS = 6


def measure_scheme(
    name: str,
    *,
    model: nn.Module,
    spec: ModelSpec,
    test: ArrayImages,
    photographs: Sequence[NDArray[np.uint8]],
    advance: Callable[[int, int], None] | None = None,
) -> SchemeResult:
    """Encrypt model and images, and compare who gets which answers.

    Args:
        name: The scheme; its blocks will be as large as the model's patches.
        model: The plain model.
        spec: Its specification.
        test: Plain test images.
        photographs: 224 x 224 images for the speed, repeated to a batch.
        advance: Called with the steps done and the steps in all.

    Raises:
        VerificationError: An encrypted image is answered differently; this must not happen.
    """

    def done(step: int) -> None:
        if advance is not None:
            advance(step, _STEPS)

    def answers(network: nn.Module, images: NDArray[Any]) -> NDArray[Any]:
        return predict_logits(network, images, mean=spec.mean, std=spec.std)

    block = int(spec.architecture_options["patch_size"])
    scheme, key = create_scheme(name, block_size=block), Key.generate(budget=_BUDGET)
    encrypted_model = encrypt_model(
        model, scheme=scheme, key=key, image_size=spec.image_size, mean=spec.mean, std=spec.std
    )
    encrypted = scheme.encrypt(test.images, key=key)
    done(1)
    plain_logits, logits = answers(model, test.images), answers(encrypted_model, encrypted.images)
    difference = float(np.abs(plain_logits - logits).max())
    equal = _count_equal(plain_logits, logits, difference=difference)
    verification = verify_model(
        model,
        encrypted_model,
        scheme=scheme,
        key=key,
        images=test.images[:_VERIFIED],
        mean=spec.mean,
        std=spec.std,
    )
    done(2)
    others = [Key.generate(budget=_BUDGET) for _ in range(_WRONG_KEYS)]
    lost = [answers(encrypted_model, scheme.encrypt(test.images, key=other).images) for other in others]
    wrong = tuple(accuracy(logits, test.labels) for logits in lost)
    done(3)
    plain_on_encrypted = accuracy(answers(model, encrypted.images), test.labels)
    encrypted_on_plain = accuracy(answers(encrypted_model, test.images), test.labels)
    exact, error = _decryption(scheme, encrypted, key=key, plain=test.images)
    done(4)
    rekey_seconds = _change_key(encrypted_model, scheme=scheme, key=key)
    rekeyed = answers(encrypted_model, scheme.encrypt(test.images, key=key).images)
    rekeyed_equal = _count_equal(plain_logits, rekeyed, difference=float(np.abs(plain_logits - rekeyed).max()))
    done(5)
    speed, batch_bytes = encryption_speed(create_scheme(name, block_size=16), photographs=photographs)
    done(6)
    return SchemeResult(
        scheme=name,
        parameters=scheme.parameters,
        key_policy=scheme.key_policy,
        key_bits=scheme.key_bits(encrypted.shape),
        plain_accuracy=accuracy(plain_logits, test.labels),
        encrypted_accuracy=accuracy(logits, test.labels),
        predictions_equal=equal,
        images=len(test),
        wrong_key_accuracy=float(np.mean(wrong)),
        wrong_key_accuracies=wrong,
        wrong_key_most_frequent_answer=float(np.mean([_most_frequent(logits) for logits in lost])),
        plain_model_on_encrypted_accuracy=plain_on_encrypted,
        encrypted_model_on_plain_accuracy=encrypted_on_plain,
        max_logit_difference=difference,
        max_logit_difference_float64=verification.max_difference_float64,
        stem_bytes=extract_stem(encrypted_model).nbytes,
        rekey_seconds=rekey_seconds,
        rekeyed_predictions_equal=rekeyed_equal,
        encrypt_megabytes_per_second=speed,
        encrypt_batch_bytes=batch_bytes,
        decryption_exact=exact,
        decryption_max_error=error,
    )


def encryption_speed(
    scheme: Scheme, *, photographs: Sequence[NDArray[np.uint8]], images: int = 128
) -> tuple[float, int]:
    """Return plain megabytes (10^6 bytes) encrypted a second, and the bytes of the batch: warm, median of seven runs.

    Args:
        scheme: With a shared key; plan and kernels are made before the clock starts.
        photographs: All of one shape; they are repeated.
        images: Size of the batch.
    """
    batch = np.resize(np.stack(photographs), (images, *photographs[0].shape))
    key = Key.generate(budget=_BUDGET)
    scheme.encrypt(batch, key=key)
    seconds = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        scheme.encrypt(batch, key=key)
        seconds.append(time.perf_counter() - start)
    return batch.nbytes / 1e6 / float(np.median(seconds)), batch.nbytes


def _change_key(model: nn.Module, *, scheme: Scheme, key: Key) -> float:
    """Rotate the key and give the model its new stem; return the seconds."""
    start = time.perf_counter()
    old = key.active
    new = key.rotate()
    load_stem(model, rekey_stem(extract_stem(model), scheme=scheme, old_key=old, new_key=new))
    return time.perf_counter() - start


def _decryption(scheme: Scheme, encrypted: Encrypted, *, key: Key, plain: NDArray[np.uint8]) -> tuple[bool, float]:
    """Tell whether decryption gives the bytes back, and the largest error before rounding, in grey levels."""
    exact = bool(np.array_equal(scheme.decrypt(encrypted, key=key), plain))
    raw = decrypt_with(scheme, encrypted, key=key)
    return exact, float(np.abs(raw.astype(np.float64) - plain).max())


def _most_frequent(logits: NDArray[Any]) -> float:
    """Return the share of images that get the most frequent answer, in percent."""
    return 100 * float(np.bincount(logits.argmax(axis=1)).max()) / len(logits)


def _count_equal(expected: NDArray[Any], found: NDArray[Any], *, difference: float) -> int:
    """Count equal answers; they must all be."""
    equal = int(np.count_nonzero(expected.argmax(axis=1) == found.argmax(axis=1)))
    if equal != len(expected):
        raise VerificationError(
            f"{len(expected) - equal} of {len(expected)} encrypted images are answered differently",
            difference=difference,
            hint="this must not happen; please report it with the result file",
        )
    return equal
