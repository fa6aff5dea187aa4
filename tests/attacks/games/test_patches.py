import numpy as np

from pixelveil.attacks.games.patches import aligned, patch_residuals


def noisy_sets(count, number=6, width=40):
    generator = np.random.default_rng(0)
    base = generator.normal(size=(number, width)).astype(np.float32) * 3
    vectors = base + generator.normal(size=(count, number, width)).astype(np.float32)
    orders = np.stack([generator.permutation(number) for _ in range(count)])
    return vectors, np.take_along_axis(vectors, orders[..., None], axis=1)


def test_patches_come_back_into_one_order():
    vectors, shuffled = noisy_sets(50)
    found = aligned(shuffled)
    order = [int(np.abs(vectors[0] - one).sum(axis=1).argmin()) for one in found[0]]
    np.testing.assert_array_equal(found, vectors[:, order])


def test_residuals_do_not_look_at_the_order():
    vectors, shuffled = noisy_sets(30)
    both = [patch_residuals(one.reshape(30, 2, 3, 40)) for one in (vectors, shuffled)]
    np.testing.assert_allclose(*both, atol=1e-4)
