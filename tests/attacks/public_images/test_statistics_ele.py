from pixelveil.attacks import Evidence
from pixelveil.attacks.public_images.statistics_ele import StatisticsEle
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme


def evidence(ciphertexts, public):
    return Evidence(
        scheme=create_scheme("madono-ele"), ciphertexts=ciphertexts, shape=(32, 32, 3), victims=20, public=public
    )


def test_three_hundred_images_under_one_key_are_read(victims, public, similarity):
    encrypted = create_scheme("madono-ele").encrypt(victims, key=Key.generate()).images
    read = StatisticsEle().run(evidence(encrypted, public))
    assert read.images.shape == (20, 32, 32, 3)
    assert similarity(read, victims) > 0.97


def test_noise_is_not_read(victims, public, noise, similarity):
    assert similarity(StatisticsEle().run(evidence(noise, public)), victims) < 0.05


def test_keys_of_their_own_have_nothing_in_common():
    assert "share no key" in StatisticsEle().obstacle(create_scheme("madono-ele", key_policy="derived"))
    assert StatisticsEle().obstacle(create_scheme("tanaka-le"))
    assert StatisticsEle().obstacle(create_scheme("madono-ele")) == ""
