import numpy as np
import pytest

from pixelveil.attacks import Evidence
from pixelveil.attacks.public_images.statistics_skk import StatisticsSkk
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme


def evidence(scheme, ciphertexts, public):
    return Evidence(scheme=scheme, ciphertexts=ciphertexts, shape=(32, 32, 3), victims=len(ciphertexts), public=public)


@pytest.mark.parametrize(
    "scheme",
    [
        create_scheme("skk", key_policy="shared"),
        create_scheme("skk", key_policy="shared", shuffle="none"),
        create_scheme("skk", key_policy="shared", shuffle="per_image"),
        create_scheme("smkk"),
    ],
    ids=lambda scheme: f"{scheme.name} {scheme.shuffle}",
)
def test_ten_images_under_one_key_are_read_exactly(scheme, victims, public, similarity):
    encrypted = scheme.encrypt(victims[:10], key=Key.generate()).images
    read = StatisticsSkk().run(evidence(scheme, encrypted, public))
    assert similarity(read, victims[:10]) > 0.995
    assert len(read.versions) == (8 if scheme.shuffle == "none" else 48)


def test_five_images_are_enough(victims, public, similarity):
    scheme = create_scheme("skk", key_policy="shared")
    encrypted = scheme.encrypt(victims[:5], key=Key.generate()).images
    assert similarity(StatisticsSkk().run(evidence(scheme, encrypted, public)), victims[:5]) > 0.98


def test_images_of_other_sizes_and_gray_ones(victims, public, similarity):
    scheme = create_scheme("skk", key_policy="shared")
    plain = np.ascontiguousarray(victims[:10, :27, :, :1])
    encrypted = scheme.encrypt(plain, key=Key.generate()).images
    read = StatisticsSkk().run(
        Evidence(scheme=scheme, ciphertexts=encrypted, shape=(27, 32, 1), victims=3, public=public[:, :27, :, :1])
    )
    assert read.images.shape == (3, 27, 32, 1)
    assert max(float((version(read.images) == plain[:3]).mean()) for version in read.versions) > 0.98


def test_noise_is_not_read(victims, public, noise, similarity):
    scheme = create_scheme("skk", key_policy="shared")
    assert similarity(StatisticsSkk().run(evidence(scheme, noise[:10], public)), victims[:10]) < 0.05


def test_keys_of_their_own_have_nothing_in_common():
    assert "share no key" in StatisticsSkk().obstacle(create_scheme("skk"))
    assert StatisticsSkk().obstacle(create_scheme("tanaka-le"))
    assert StatisticsSkk().obstacle(create_scheme("smkk")) == ""
