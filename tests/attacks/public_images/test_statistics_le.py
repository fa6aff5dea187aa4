import numpy as np

from pixelveil.attacks import Budget, Evidence
from pixelveil.attacks.public_images.statistics_le import StatisticsLe
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme


def evidence(scheme, ciphertexts, public, shape=(32, 32, 3)):
    return Evidence(scheme=scheme, ciphertexts=ciphertexts, shape=shape, victims=len(ciphertexts), public=public)


def test_ten_small_images_are_read_to_the_last_bit(victims, public, similarity):
    scheme = create_scheme("tanaka-le")
    encrypted = scheme.encrypt(victims[:10], key=Key.generate()).images
    read = StatisticsLe().run(evidence(scheme, encrypted, public))
    assert similarity(read, victims[:10]) > 0.99
    assert len(read.versions) == 96


def test_one_large_image_is_enough_whatever_the_key(large, public, similarity):
    scheme = create_scheme("tanaka-le", key_policy="derived")
    encrypted = scheme.encrypt(large, key=Key.generate()).images
    read = StatisticsLe().run(evidence(scheme, encrypted, public, shape=(128, 128, 3)))
    assert read.per_image
    assert read.facts["read"] == 2
    errors = [np.abs(version(read.images).astype(int) - large).mean(axis=(1, 2, 3)) for version in read.versions]
    assert (np.min(errors, axis=0) < 2).all()


def test_a_spent_budget_leaves_the_rest_as_it_is(large, public):
    scheme = create_scheme("tanaka-le", key_policy="derived")
    encrypted = scheme.encrypt(large, key=Key.generate()).images
    read = StatisticsLe(starts=1).run(
        evidence(scheme, encrypted, public, shape=(128, 128, 3)), budget=Budget(seconds=-1)
    )
    assert read.facts["read"] == 1
    assert (read.images[1] == encrypted[1]).all()


def test_noise_is_not_read(victims, public, noise, similarity):
    scheme = create_scheme("tanaka-le")
    assert similarity(StatisticsLe().run(evidence(scheme, noise[:10], public)), victims[:10]) < 0.05


def test_other_schemes_are_none_of_its_business():
    assert StatisticsLe().obstacle(create_scheme("madono-ele"))
    assert StatisticsLe().obstacle(create_scheme("tanaka-le", key_policy="ephemeral")) == ""
