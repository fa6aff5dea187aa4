import numpy as np

from pixelveil.attacks.public_images.correlations import standardized
from pixelveil.attacks.public_images.layout import column_links, embedding, find_layout, matrix_links
from pixelveil.plans.geometry import split_blocks


def turns(grid):
    return [np.rot90(turned, times).ravel() for turned in (grid, grid[:, ::-1]) for times in range(4)]


def test_links_ignore_what_is_done_inside_blocks(victims):
    blocks = standardized(split_blocks(victims[:40], block=(8, 8)))
    generator = np.random.default_rng(0)
    order, signs = generator.permutation(192), generator.choice([-1, 1], 192).astype(np.float32)
    assert np.allclose(column_links(blocks), column_links(blocks[..., order] * signs), atol=1e-5)
    matrix = np.linalg.qr(generator.normal(size=(192, 192)))[0].astype(np.float32)
    assert np.allclose(matrix_links(blocks), matrix_links(blocks @ matrix), atol=1e-3)


def test_links_of_noise_are_weak(noise):
    links = matrix_links(split_blocks(noise[:100], block=(8, 8)).astype(np.float32))
    assert np.median(links[~np.eye(16, dtype=bool)]) < 0.1


def test_a_map_of_blocks_is_the_grid(victims):
    blocks = standardized(split_blocks(victims, block=(4, 4)))
    points = embedding(column_links(blocks), nearest=4)
    grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0), indexing="ij"), axis=-1).reshape(-1, 2)
    distances = [np.linalg.norm(each[:, None] - each[None], axis=2).ravel() for each in (points, grid)]
    assert np.corrcoef(distances)[0, 1] > 0.9


def test_scrambled_blocks_go_back_up_to_a_turn(victims, public):
    generator = np.random.default_rng(1)
    blocks = standardized(split_blocks(victims[:60], block=(4, 4)))
    plain = standardized(split_blocks(public, block=(4, 4)))
    places = generator.permutation(64)
    found = find_layout(column_links(blocks[:, places]), column_links(plain), generator=generator)
    assert max((turn[places] == found).mean() for turn in turns(np.arange(64).reshape(8, 8))) > 0.9
