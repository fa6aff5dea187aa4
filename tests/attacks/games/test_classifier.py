import numpy as np
from sklearn.kernel_ridge import KernelRidge

from pixelveil.attacks.games.classifier import cross_validated, fit_classifier


def blobs(count, classes=3, width=5, apart=4.0):
    generator = np.random.default_rng(0)
    labels = generator.integers(classes, size=count)
    centers = np.random.default_rng(1).normal(size=(classes, width)) * apart
    return (centers[labels] + generator.normal(size=(count, width))).astype(np.float32), labels


def test_it_is_kernel_ridge_regression():
    rows, labels = blobs(60)
    fitted = fit_classifier(rows, labels, classes=3, strength=0.1, width=1.0)
    scaled = (rows - rows.mean(axis=0, dtype=float)) / rows.std(axis=0, dtype=float)
    other = KernelRidge(alpha=0.1, kernel="rbf", gamma=1 / fitted.width).fit(scaled, np.eye(3)[labels] - 1 / 3)
    np.testing.assert_allclose(fitted.scores(rows), other.predict(scaled), atol=1e-4)


def test_it_learns_what_there_is_and_no_more():
    rows, labels = blobs(200)
    share, _, _ = cross_validated(rows, labels, classes=3)
    assert share > 0.95
    noise = np.random.default_rng(2).normal(size=(200, 5)).astype(np.float32)
    assert cross_validated(noise, labels, classes=3)[0] < 0.6


def test_numbers_that_do_not_vary_are_left_out():
    rows, labels = blobs(40)
    rows[:, 0] = 7
    assert np.isfinite(fit_classifier(rows, labels, classes=3, strength=0.1).scores(rows)).all()
