import numpy as np
import pytest
import torch
from torch import nn

from pixelveil.attacks.measures import ssim
from pixelveil.attacks.stem.april import April, blocks_from_gradients, input_from_gradients, tokens_from_attention
from pixelveil.attacks.stem.evidence import base_tensors
from pixelveil.attacks.stem.gradient_inversion import gradients_of
from pixelveil.errors import UsageError
from pixelveil.models import encrypt_model_with_plan, extract_stem
from pixelveil.models.outputs import normalize
from pixelveil.plans import AffinePlan

COUNT = 3


def updates_of(model, images, sight, *, batch=1):
    like = model.patch_embed.proj.weight
    pixels = normalize(images[: COUNT * batch], like=like, **sight)
    return [gradients_of(model, part, torch.arange(batch)) for part in pixels.split(batch)]


@pytest.mark.parametrize("scheme", ["vit-permutation", "vit-orthogonal"])
@pytest.mark.parametrize("options", [{"width": 96}, {"width": 96, "global_pool": "avg", "class_token": False}])
def test_training_on_encrypted_images_gives_ciphertexts_and_with_the_base_pictures(
    make_vit, hold, victims, sight, scheme, options
):
    """A usual model, norms and shortcuts and all; nothing is known of its weights in the first case."""
    model = make_vit(**options)
    base, known = base_tensors(model, image_size=32), {"scheme": scheme}
    evidence, encrypted, key = hold(model, victims[:COUNT], **known)
    updates = updates_of(encrypted, evidence.ciphertexts, sight)
    blind, _, _ = hold(model, victims[:COUNT], key=key, updates=updates, **known)
    shown = np.clip(np.rint(evidence.ciphertexts), 0, 255).astype(np.uint8)
    found = April().run(blind).images
    assert ssim(found, shown).mean() > 0.999
    assert ssim(found, victims[:COUNT]).mean() < 0.1
    told, _, _ = hold(model, victims[:COUNT], key=key, updates=updates, base=base, **known)
    assert ssim(April().run(told).images, victims[:COUNT]).mean() > 0.999


def test_training_on_plain_images_shows_them(make_vit, victims, sight):
    model = make_vit(width=96)
    identity = AffinePlan(matrix=np.eye(48))
    info = extract_stem(encrypt_model_with_plan(model, plan=identity, image_size=32, **sight)).info
    for number, update in enumerate(updates_of(model, victims, sight)):
        np.testing.assert_allclose(input_from_gradients(update, info=info), victims[number], atol=2)


def test_two_images_in_a_step_are_not_told_apart(make_vit, hold, victims, sight):
    model = make_vit(width=96)
    evidence, encrypted, key = hold(model, victims[:COUNT], base=base_tensors(model, image_size=32))
    updates = updates_of(encrypted, evidence.scheme.encrypt(victims, key=key).images, sight, batch=2)
    both, _, _ = hold(model, victims[:COUNT], key=key, updates=updates, base=evidence.base)
    assert ssim(April().run(both).images, victims[:COUNT]).mean() < 0.5


def test_another_update_shows_another_image(make_vit, hold, victims, noise, sight):
    model = make_vit(width=96)
    _, encrypted, key = hold(model, victims[:COUNT])
    updates = updates_of(encrypted, noise, sight)
    empty, _, _ = hold(model, victims[:COUNT], key=key, updates=updates, base=base_tensors(model, image_size=32))
    assert ssim(April().run(empty).images, victims[:COUNT]).mean() < 0.05


def test_without_gradients_of_positions_there_is_no_lever(make_vit, hold, victims, sight):
    model = make_vit(width=96)
    evidence, encrypted, _ = hold(model, victims[:COUNT])
    updates = updates_of(encrypted, evidence.ciphertexts, sight)
    frozen = [{name: value for name, value in one.items() if name != "pos_embed"} for one in updates]
    with pytest.raises(UsageError, match="position table"):
        input_from_gradients(frozen[0], info=evidence.stem.info)


def test_keys_by_position_are_said_not_to_fit(make_vit, hold, victims, sight):
    evidence, encrypted, _ = hold(make_vit(width=96), victims[:COUNT], parameters={"per_block": True})
    updates = updates_of(encrypted, evidence.ciphertexts, sight)
    with pytest.raises(UsageError, match="each position"):
        input_from_gradients(updates[0], info=evidence.stem.info)


class DirectAttention(nn.Module):
    """A first attention that reads its tokens without a norm and without a shortcut, as in the paper."""

    def __init__(self, *, tokens=17, width=48, lanes=12):
        super().__init__()
        self.embed, self.positions = nn.Linear(lanes, width), nn.Parameter(torch.randn(tokens, width))
        self.first = nn.Parameter(torch.randn(1, width))
        self.qkv, self.head = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, 10)
        self.mixed = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, blocks):
        self.seen = torch.cat([self.first, self.embed(blocks)]) + self.positions
        query, key, value = self.qkv(self.seen).chunk(3, dim=-1)
        mixed = (query @ key.T / query.shape[-1] ** 0.5).softmax(-1) @ value
        return self.head(self.mixed(mixed + (mixed @ mixed.T / 48).softmax(-1) @ mixed).mean(0))


def test_the_equation_of_the_paper():
    torch.manual_seed(0)
    model, blocks = DirectAttention().double(), torch.randn(16, 12, dtype=torch.float64)
    loss = nn.functional.cross_entropy(model(blocks)[None], torch.tensor([3]))
    positions, weight, kernel = torch.autograd.grad(
        loss, [model.positions, model.qkv.weight, model.embed.weight], retain_graph=True
    )
    found = tokens_from_attention(positions.numpy(), weight=model.qkv.weight.detach().numpy(), gradient=weight.numpy())
    np.testing.assert_allclose(found, model.seen.detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(blocks_from_gradients(positions[1:].numpy(), kernel.numpy()), blocks, atol=1e-5)
