import numpy as np

from pixelveil.attacks.public_images.lower_nibbles import nibble_moments, place_lower_nibbles
from pixelveil.plans.geometry import split_blocks


def shuffled(values, seed=0):
    generator = np.random.default_rng(seed)
    lower, lanes = values & 15, values.shape[1]
    reverse = generator.integers(2, size=lanes).astype(bool)
    return np.where(reverse, 15 - lower, lower)[:, generator.permutation(lanes)].astype(np.uint8)


def rows(images):
    return split_blocks(images, block=(4, 4)).reshape(-1, 48)


def test_lower_halves_go_back_exactly(victims, public):
    values = rows(victims[:20])
    read = place_lower_nibbles(values >> 4, shuffled(values), moments=nibble_moments(rows(public)))
    assert (read == values).mean() > 0.99


def test_without_them_the_prediction_stands(victims, public, noise):
    """Columns of noise fit nowhere surely: values near the middle of their upper halves remain."""
    values = rows(victims[:20])
    read = place_lower_nibbles(values >> 4, rows(noise[:20]) & 15, moments=nibble_moments(rows(public)))
    assert (read >> 4 == values >> 4).all()
    error, middle = np.abs(read.astype(int) - values), np.abs((values | 15).astype(int) - 8 - values)
    assert error.mean() < middle.mean() + 1
