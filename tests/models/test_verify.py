import copy

import numpy as np
import pytest
import torch
from torch import nn

from pixelveil.errors import UsageError, VerificationError
from pixelveil.keys import Key
from pixelveil.models import encrypt_model, encrypt_model_with_plan, verify_model, verify_model_with_plan
from pixelveil.models.support_cases import CASES, build
from pixelveil.plans import AffinePlan
from pixelveil.schemes import create_scheme


@pytest.fixture(scope="module")
def encrypted(plain, scheme, key, sight):
    return encrypt_model(plain, scheme=scheme, key=key, image_size=32, **sight)


def test_the_right_model_is_verified_with_its_figures(plain, encrypted, scheme, key, images, sight):
    found = verify_model(plain, encrypted, scheme=scheme, key=key, images=images, **sight)
    assert found.images == 3
    assert found.max_difference_float64 < 1e-11
    assert 0 < found.max_difference_float32 < 1e-4
    assert found.top1_agreement == 1.0


def test_no_image_is_counted(plain, encrypted, scheme, key, images, sight):
    before = key.remaining
    verify_model(plain, encrypted, scheme=scheme, key=key, images=images, **sight)
    assert key.remaining == before


def test_another_key_is_found_out_and_named(plain, encrypted, scheme, images, sight):
    with pytest.raises(VerificationError, match="another key") as caught:
        verify_model(plain, encrypted, scheme=scheme, key=Key.generate(), images=images, **sight)
    assert caught.value.difference > 0.1


def test_another_client_is_found_out(plain, encrypted, scheme, key, images, sight):
    with pytest.raises(VerificationError, match="client"):
        verify_model(plain, encrypted, scheme=scheme, key=key, images=images, client="other", **sight)


def test_another_mean_and_deviation_are_found_out(plain, scheme, key, images, sight):
    wrong = encrypt_model(plain, scheme=scheme, key=key, image_size=32, mean=(0.5,) * 3, std=(0.5,) * 3)
    with pytest.raises(VerificationError, match="float32"):
        verify_model(plain, wrong, scheme=scheme, key=key, images=images, **sight)


@pytest.mark.parametrize("name", ["patch_embed.proj.weight", "pos_embed", "blocks.1.mlp.fc2.weight"])
def test_a_changed_weight_is_found_out(plain, encrypted, scheme, key, images, sight, name):
    altered = copy.deepcopy(encrypted)
    with torch.no_grad():
        altered.get_parameter(name).add_(0.05 * torch.randn_like(altered.get_parameter(name)))
    with pytest.raises(VerificationError, match="answers differently"):
        verify_model(plain, altered, scheme=scheme, key=key, images=images, **sight)


def test_answers_that_are_no_numbers_are_found_out(plain, encrypted, scheme, key, images, sight):
    broken = copy.deepcopy(encrypted)
    with torch.no_grad():
        broken.head.bias[0] = float("nan")
    with pytest.raises(VerificationError, match="nan"):
        verify_model(plain, broken, scheme=scheme, key=key, images=images, **sight)


def test_a_model_in_float64_is_compared_as_it_is(plain, key, images, sight):
    scheme = create_scheme("vit-orthogonal", block_size=8)
    double = copy.deepcopy(plain).double()
    encrypted = encrypt_model(double, scheme=scheme, key=key, image_size=32, **sight)
    found = verify_model(double, encrypted, scheme=scheme, key=key, images=images, **sight)
    assert found.max_difference_float64 < 1e-11
    with torch.no_grad():
        encrypted.head.bias[0] += 1e-8
    with pytest.raises(VerificationError, match="float64"):
        verify_model(double, encrypted, scheme=scheme, key=key, images=images, **sight)


def test_another_largest_entry_is_found_out_however_close(plain, key, images, sight):
    """Two logits that differ by less than float32 can tell: the answer is within tolerance, the class is another."""
    scheme = create_scheme("vit-permutation", block_size=8)
    tied = copy.deepcopy(plain)
    with torch.no_grad():
        tied.head.weight[1] = tied.head.weight[0]
        tied.head.bias[:2] = 100.0
    encrypted = encrypt_model(tied, scheme=scheme, key=key, image_size=32, check=False, **sight)
    with torch.no_grad():
        encrypted.head.bias[1] += 1e-3
    with pytest.raises(VerificationError, match="largest entry"):
        verify_model(tied, encrypted, scheme=scheme, key=key, images=images, **sight)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((0, 32, 32, 3), np.uint8),
        np.zeros((1, 64, 64, 3), np.uint8),
        np.zeros((32, 32, 3), np.uint8),
        np.zeros((1, 32, 32, 1), np.uint8),
        np.zeros((1, 32, 32, 3), np.float32),
    ],
)
def test_images_that_do_not_fit_are_refused(plain, encrypted, scheme, key, sight, wrong):
    with pytest.raises(UsageError, match="images must be uint8"):
        verify_model(plain, encrypted, scheme=scheme, key=key, images=wrong, **sight)


def test_a_plain_model_cannot_be_verified(plain, scheme, key, images, sight):
    with pytest.raises(UsageError, match="not encrypted"):
        verify_model(plain, plain, scheme=scheme, key=key, images=images, **sight)


@pytest.mark.parametrize("name", ["ViT-B/16, answers per patch", "DINOv2 backbone, maps", "DeiT", "YOLOS, other size"])
def test_tensors_mappings_maps_and_boxes_are_all_compared(name, sight):
    case = next(case for case in CASES if case.name == name)
    model, size = build(case), (case.size, case.size) if isinstance(case.size, int) else case.size
    rng = np.random.default_rng(0)
    blocks = (size[0] // 16) * (size[1] // 16)
    plan = AffinePlan(matrix=np.eye(768)[rng.permutation(768)], block_order=rng.permutation(blocks))
    images = rng.integers(0, 256, (2, *size, 3), dtype=np.uint8)
    encrypted = encrypt_model_with_plan(model, plan=plan, image_size=size, check=False, **sight)
    found = verify_model_with_plan(model, encrypted, plan=plan, images=images, **sight)
    assert found.max_difference_float64 < 1e-10
    assert (found.top1_agreement is None) == (name in ("ViT-B/16, answers per patch", "DINOv2 backbone, maps"))


class Pair(nn.Module):
    """Answers a tuple."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x), self.model.forward_features(x)[:, 0]


def test_tuples_are_compared(plain, key, images, sight):
    scheme = create_scheme("vit-permutation", block_size=8)
    model = Pair(plain).eval()
    encrypted = encrypt_model(model, scheme=scheme, key=key, image_size=32, **sight)
    assert encrypted.pixelveil.layout.embedding.weight == "model.patch_embed.proj.weight"
    assert verify_model(model, encrypted, scheme=scheme, key=key, images=images, **sight).top1_agreement == 1.0
