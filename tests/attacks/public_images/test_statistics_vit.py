import numpy as np
import pytest

from pixelveil.attacks import Evidence
from pixelveil.attacks.public_images.statistics_vit import StatisticsVit, snap_to_values
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme


def evidence(scheme, ciphertexts, public):
    return Evidence(scheme=scheme, ciphertexts=ciphertexts, shape=(32, 32, 3), victims=20, public=public)


def encrypted(scheme, images):
    return scheme.encrypt(images, key=Key.generate()).images


def test_columns_snap_to_what_they_are_like():
    generator = np.random.default_rng(0)
    plain = generator.normal(size=(400, 10)).astype(np.float32)
    order, signs = generator.permutation(10), generator.choice([-1, 1], 10).astype(np.float32)
    seen = plain[:, order] * signs
    column, sign = snap_to_values(seen, plain + 0.5 * generator.normal(size=plain.shape).astype(np.float32))
    assert (seen[:, column] * sign == plain).all()


@pytest.mark.parametrize("block_size", [4, 8])
def test_a_secret_matrix_and_scrambled_blocks_are_read(block_size, victims, public, similarity):
    scheme = create_scheme("vit-orthogonal", block_size=block_size)
    read = StatisticsVit().run(evidence(scheme, encrypted(scheme, victims), public))
    assert read.images.shape == (20, 32, 32, 3)
    assert similarity(read, victims) > {4: 0.72, 8: 0.4}[block_size]


@pytest.mark.parametrize(
    "scheme",
    [
        create_scheme("vit-permutation", block_size=4),
        create_scheme("vit-permutation", block_size=8, scramble_blocks=False),
        create_scheme("vit-compressible", block_size=8, sub_block_size=4),
        create_scheme("vit-restricted", block_size=4),
    ],
    ids=lambda scheme: scheme.name,
)
def test_shuffled_values_come_back_exactly(scheme, victims, public, similarity):
    read = StatisticsVit().run(evidence(scheme, encrypted(scheme, victims), public))
    assert similarity(read, victims) > 0.97


@pytest.mark.parametrize("name", ["vit-orthogonal", "vit-permutation"])
def test_noise_is_not_read(name, victims, public, noise, similarity):
    scheme = create_scheme(name, block_size=4)
    read = StatisticsVit().run(evidence(scheme, encrypted(scheme, noise), public))
    # Under another key each time; what it must read is at 0.7.
    assert similarity(read, victims) < 0.12


def test_where_it_does_not_apply():
    attack = StatisticsVit()
    assert "share no key" in attack.obstacle(create_scheme("vit-permutation", key_policy="derived"))
    assert "a map of its own" in attack.obstacle(create_scheme("vit-compressible", per_block=True))
    assert attack.obstacle(create_scheme("skk"))
    assert attack.obstacle(create_scheme("vit-orthogonal")) == ""
