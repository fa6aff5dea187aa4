import numpy as np
import pytest

from pixelveil.attacks.attack import Budget, Evidence
from pixelveil.attacks.controls import negative_control
from pixelveil.attacks.evaluate import score
from pixelveil.attacks.public_images.statistics_vit import StatisticsVit
from pixelveil.attacks.public_images.whitened import is_white, neighbor_components
from pixelveil.keys import Key
from pixelveil.plans.geometry import split_blocks
from pixelveil.schemes import create_scheme
from pixelveil.schemes.fitting import fit_asset

BLOCK = 4


@pytest.fixture(scope="module")
def crops():
    """Crops of photographs, 16x16: the attacker's are of others than the victims'."""
    data = pytest.importorskip("skimage.data")
    generator, found = np.random.default_rng(0), []
    for names in (("astronaut", "chelsea"), ("coffee", "rocket")):
        sources = [getattr(data, name)()[::4, ::4] for name in names]
        some = []
        for number in range(400):
            source = sources[number % 2]
            top, left = (int(generator.integers(size - 16)) for size in source.shape[:2])
            some.append(source[top : top + 16, left : left + 16])
        found.append(np.stack(some))
    return found


@pytest.fixture(scope="module")
def whitened(crops):
    scheme = create_scheme("vit-orthogonal", block_size=BLOCK, scramble_blocks=False)
    return scheme.bind(fit_asset(scheme, images=crops[1]))


def blocks_of(images):
    return split_blocks(images, block=(BLOCK, BLOCK)).astype(np.float32)


def test_whitened_blocks_are_told_from_natural_ones(crops, whitened):
    key = Key.generate(budget=10_000)
    assert is_white(blocks_of(whitened.encrypt(crops[0], key=key).images))
    for count in (3, 300):
        plain = create_scheme("vit-orthogonal", block_size=BLOCK)
        assert not is_white(blocks_of(plain.encrypt(crops[0][:count], key=key).images))


def test_components_of_neighbors_turn_with_an_orthogonal_matrix(crops):
    blocks = blocks_of(crops[0]) / 50
    matrix = np.linalg.qr(np.random.default_rng(1).normal(size=(48, 48)))[0].astype(np.float32)
    slot = np.arange(16)
    one, other = (neighbor_components(each, slot=slot, grid=(4, 4)) for each in (blocks, blocks @ matrix.T))
    np.testing.assert_allclose(np.abs(one.scores[..., :5]), np.abs(other.scores[..., :5]), atol=2e-2)
    np.testing.assert_allclose(one.vectors.T @ one.vectors, np.eye(48), atol=1e-9)


def test_neighbors_read_what_was_whitened_and_noise_stays_on_the_floor(crops, whitened):
    key = Key.generate(budget=10_000)

    def encrypt(images):
        return whitened.encrypt(images, key=key).images

    evidence = Evidence(
        scheme=create_scheme("vit-orthogonal", block_size=BLOCK, scramble_blocks=False),
        ciphertexts=encrypt(crops[0]),
        shape=(16, 16, 3),
        victims=30,
        public=crops[1],
    )
    read = StatisticsVit().run(evidence, budget=Budget(seconds=20))
    assert read.facts["whitened"] == 1
    floor = StatisticsVit().run(negative_control(evidence, encrypt=encrypt), budget=Budget(seconds=20))
    found, control = (score(each, crops[0][:30]).mean("edges") for each in (read, floor))
    assert found > control + 0.2
