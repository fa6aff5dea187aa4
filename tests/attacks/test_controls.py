import numpy as np

from pixelveil.attacks import Evidence
from pixelveil.attacks.controls import aes_noise, negative_control
from pixelveil.attacks.measures import entropy
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme


def test_noise_is_noise_and_never_the_same():
    noise = aes_noise(3, (64, 64, 3))
    assert noise.dtype == np.uint8
    assert entropy(noise).min() > 7.97
    assert len(np.unique(noise.reshape(3, -1), axis=0)) == 3
    assert not np.array_equal(noise, aes_noise(3, (64, 64, 3)))


def test_the_control_tells_nothing_of_the_victims():
    scheme, key = create_scheme("vit-orthogonal", block_size=4), Key.generate()
    victims = np.full((4, 8, 8, 3), 200, np.uint8)

    def encrypt(images):
        return scheme.encrypt(images, key=key).images

    evidence = Evidence(scheme=scheme, ciphertexts=encrypt(victims), shape=(8, 8, 3), victims=2, public=victims[:1])
    control = negative_control(evidence, encrypt=encrypt)
    assert control.ciphertexts.shape == evidence.ciphertexts.shape
    assert control.public is evidence.public
    decrypted = scheme.plan(key=key, shape=(8, 8, 3)).invert().apply(control.ciphertexts)
    assert entropy(np.clip(np.rint(decrypted), 0, 255).astype(np.uint8)).min() > 6.5
