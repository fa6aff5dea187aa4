import numpy as np
import pytest

from pixelveil.attacks import Evidence
from pixelveil.attacks.public_images.statistics_etc import StatisticsEtc, block_orders
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme


def evidence(scheme, ciphertexts, public):
    return Evidence(scheme=scheme, ciphertexts=ciphertexts, shape=(32, 32, 3), victims=20, public=public)


def test_orders_are_permutations_the_identity_among_them():
    orders = block_orders(side=2, channels=3)
    assert len(np.unique(orders, axis=0)) == 48
    assert (np.sort(orders, axis=1) == np.arange(12)).all()
    assert (orders[0] == np.arange(12)).all()


@pytest.mark.parametrize("block_size", [4, 8])
def test_images_under_one_key_are_read_exactly(block_size, victims, public, similarity):
    scheme = create_scheme("etc-color", block_size=block_size)
    encrypted = scheme.encrypt(victims, key=Key.generate()).images
    read = StatisticsEtc().run(evidence(scheme, encrypted, public))
    assert read.images.shape == (20, 32, 32, 3)
    assert similarity(read, victims) > 0.97


def test_planes_side_by_side_are_read(victims, similarity):
    """Planes are told apart by little; public images are of the same photographs here."""
    scheme = create_scheme("etc-gray")
    encrypted = scheme.encrypt(victims[:150], key=Key.generate()).images
    read = StatisticsEtc().run(evidence(scheme, encrypted, victims[150:]))
    assert read.images.shape == (20, 32, 32, 3)
    assert similarity(read, victims) > 0.9


def test_noise_is_not_read(victims, public, noise, similarity):
    scheme = create_scheme("etc-color", block_size=4)
    assert similarity(StatisticsEtc().run(evidence(scheme, noise, public)), victims) < 0.05


def test_keys_of_their_own_have_nothing_in_common():
    assert "share no key" in StatisticsEtc().obstacle(create_scheme("etc-color", key_policy="derived"))
    assert StatisticsEtc().obstacle(create_scheme("madono-ele"))
