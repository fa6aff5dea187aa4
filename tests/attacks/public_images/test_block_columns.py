import numpy as np

from pixelveil.attacks.public_images.block_columns import any_order, fit_orders, one_of, whole_signs
from pixelveil.attacks.public_images.correlations import standardized
from pixelveil.plans.geometry import split_blocks


def test_choices():
    fit = np.array([[0.0, 5.0, 1.0], [3.0, 4.0, 0.0], [1.0, 0.0, 2.0]])
    assert any_order(fit).tolist() == [1, 0, 2]
    assert one_of(np.array([[0, 1, 2], [2, 0, 1]]))(fit).tolist() == [2, 0, 1] or fit[[0, 1, 2], [0, 1, 2]].sum() >= 6


def test_values_of_blocks_go_back_to_their_places(victims, public):
    generator = np.random.default_rng(0)
    blocks, plain = (standardized(split_blocks(images, block=(4, 4))) for images in (victims, public))
    shuffles = np.stack([generator.permutation(48) for _ in range(64)])
    order = fit_orders(np.take_along_axis(blocks, shuffles[None], axis=2), plain)
    right = np.take_along_axis(shuffles, order, axis=1) == np.arange(48)
    assert right.mean() > 0.9


def test_inverted_blocks_go_against_the_others(victims):
    blocks = standardized(split_blocks(victims, block=(8, 8)))
    signs = np.random.default_rng(1).choice([-1.0, 1.0], 16)
    found = whole_signs(blocks * signs.astype(np.float32)[:, None])
    assert (found == signs).all() or (found == -signs).all()
