"""Classical learners on encrypted images: what keeps distances keeps their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import MissingExtraError, UsageError

__all__ = ["LEARNERS", "answers_of", "features_of"]

Maker = Callable[[Mapping[str, Any]], Any]


def _kernel_svm(settings: Mapping[str, Any]) -> Any:
    from sklearn.svm import SVC

    return SVC(kernel="rbf", **settings)


def _logistic_regression(settings: Mapping[str, Any]) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(**{"max_iter": 1000, "tol": 1e-8, **settings})


def _random_forest(settings: Mapping[str, Any]) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(**settings)


LEARNERS: dict[str, Maker] = {
    "kernel-svm": _kernel_svm,
    "logistic-regression": _logistic_regression,
    "random-forest": _random_forest,
}


def features_of(images: NDArray[Any]) -> NDArray[np.float64]:
    """Return images as rows of values in units of 255, float64 (n, H*W*C).

    >>> features_of(np.full((2, 1, 1, 3), 255, np.uint8)).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    return images.reshape(len(images), -1).astype(np.float64) / 255


def answers_of(
    name: str,
    *,
    train: NDArray[Any],
    labels: NDArray[np.int64],
    test: NDArray[Any],
    gamma: float,
    recipe: Mapping[str, Any],
    seed: int,
) -> NDArray[np.int64]:
    """Fit a learner and return its answers.

    A support vector machine with the kernel ``exp(-gamma |x - x'|^2)`` sees distances only; logistic regression with
    an L2 penalty and a free offset is the same after a rotation and a shift; a random forest cuts single values, so
    that a permutation leaves it alone up to its draws, and a rotation does not.

    Args:
        name: One of `LEARNERS`.
        train: Images (n, H, W, C), uint8 or grey levels.
        labels: int64 (n,).
        test: Images (m, H, W, C).
        gamma: Of the kernel, the same for plain and encrypted images.
        recipe: Arguments of the learner.
        seed: Of its draws.

    Returns:
        Class numbers, int64 (m,).

    Raises:
        UsageError: The learner has no such argument.
        MissingExtraError: scikit-learn is not installed.
    """
    own: dict[str, Any] = {"gamma": gamma} if name == "kernel-svm" else {"random_state": seed}
    try:
        learner = LEARNERS[name]({**own, **recipe})
    except ImportError as error:
        raise MissingExtraError("classical learners", extra="demo") from error
    except TypeError as error:
        raise UsageError(f"{name} has other settings: {error}") from error
    learner.fit(features_of(train), labels)
    return np.asarray(learner.predict(features_of(test)), np.int64)
