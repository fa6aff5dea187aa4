import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from pixelveil.attacks.stem.requirements import access_table
from pixelveil.schemes import create_scheme

HALF = (0.5, 0.5, 0.5)


@pytest.fixture(scope="module")
def trained(make_vit):
    """A small ViT that reads digits, and test images that it has not seen."""
    data = load_digits()
    images = np.repeat(np.repeat(data.images * 15, 4, axis=1), 4, axis=2).astype(np.uint8)[..., None].repeat(3, axis=3)
    pixels, labels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1, torch.from_numpy(data.target)
    model = make_vit(patch_size=8, depth=1, global_pool="avg", class_token=False).train()
    stepper, generator = torch.optim.AdamW(model.parameters(), lr=3e-3), torch.Generator().manual_seed(0)
    for _ in range(6):
        for batch in torch.randperm(1400, generator=generator).split(50):
            stepper.zero_grad()
            nn.functional.cross_entropy(model(pixels[batch]), labels[batch]).backward()
            stepper.step()
    return model.eval(), images[1400:], data.target[1400:]


@pytest.mark.parametrize(
    ("scheme", "parameters", "locked"),
    [
        ("vit-permutation", {}, True),
        ("vit-orthogonal", {}, True),
        ("vit-permutation", {"shuffle": False, "invert": False}, False),
    ],
    ids=["permutation", "orthogonal", "blocks only"],
)
def test_the_right_key_answers_and_others_do_not(trained, scheme, parameters, locked):
    model, images, labels = trained
    made = create_scheme(scheme, block_size=8, **parameters)
    table = access_table(model, images, labels, scheme=made, mean=HALF, std=HALF, wrong_keys=3)
    assert table.plain > 0.45
    assert table.right == table.plain == table.renewed
    assert len(table.wrong) == 3
    wrong = np.mean([*table.wrong, table.old, table.plain_images, table.plain_model])
    assert wrong < table.plain - 0.02
    # To move blocks alone locks nobody out: such models read images without minding the order of patches much.
    assert (wrong < table.chance + 0.15) if locked else (wrong > table.chance + 0.25)
