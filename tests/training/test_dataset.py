"""Batches are what the arrays say, and normalization is the formula."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from pixelveil.errors import UsageError
from pixelveil.training.dataset import ArrayImages, ImageDataset, ImageSubset, in_memory, to_network


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_loader_reads_whole_batches(dtype):
    images = np.arange(5 * 4 * 4 * 3).reshape(5, 4, 4, 3).astype(dtype)
    source = ArrayImages(images, labels=[4, 3, 2, 1, 0])
    loader = DataLoader(ImageDataset(source), batch_size=2, sampler=[3, 0, 4], collate_fn=lambda batch: batch)
    batches = list(loader)
    assert [labels.tolist() for _, labels in batches] == [[1, 4], [0]]
    np.testing.assert_array_equal(batches[0][0].numpy(), images[[3, 0]])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_normalization_is_the_formula(dtype):
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 3)).astype(dtype)
    mean, std = [0.1, 0.2, 0.3], [0.4, 0.5, 0.6]
    got = to_network(torch.from_numpy(images), mean=mean, std=std, dtype=torch.float64).numpy()
    expected = np.moveaxis((images.astype(np.float64) / 255 - mean) / std, 3, 1)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_shapes_that_do_not_fit():
    with pytest.raises(UsageError, match="N, H, W, C"):
        ArrayImages(np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(UsageError, match="labels"):
        ArrayImages(np.zeros((2, 4, 4, 3), np.uint8), labels=[0])


def test_a_subset_and_its_copy_in_memory_are_the_same_images():
    images = np.random.default_rng(0).integers(0, 256, (600, 2, 2, 3)).astype(np.uint8)
    indices = np.random.default_rng(1).permutation(600)[:555]
    subset = ImageSubset(ArrayImages(images, labels=np.arange(600)), indices=indices)
    kept = in_memory(subset)
    assert isinstance(kept, ArrayImages)
    np.testing.assert_array_equal(kept.images, images[indices])
    np.testing.assert_array_equal(kept.labels, indices)
    np.testing.assert_array_equal(subset.read([3, 1]), images[indices[[3, 1]]])
    assert in_memory(subset, limit=1000) is subset
