import copy

import numpy as np
import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from pixelveil.errors import UnsupportedModelError, UsageError, VerificationError
from pixelveil.keys import Key
from pixelveil.models import StemInfo, encrypt_model, encrypt_model_with_plan
from pixelveil.models.outputs import normalize
from pixelveil.models.support_cases import CASES, build
from pixelveil.plans import AffinePlan, LanePlan
from pixelveil.schemes import create_scheme
from pixelveil.schemes.fitting import fit_asset


def answers(model, images, *, mean, std):
    """Answer images as a user's own code would: /255, mean, deviation."""
    pixels = normalize(images, mean=mean, std=std, like=next(model.parameters()))
    with torch.no_grad():
        return model(pixels)


def test_encrypted_images_get_the_answers_of_plain_ones(plain, scheme, key, images, sight):
    encrypted = encrypt_model(plain, scheme=scheme, key=key, image_size=32, **sight)
    found = answers(encrypted, scheme.encrypt(images, key=key).images, **sight)
    expected = answers(plain, images, **sight)
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=1e-4)
    assert (answers(encrypted, images, **sight) - expected).abs().max() > 0.1, "plain images must not be answered"
    other = scheme.encrypt(images, key=Key.generate()).images
    assert (answers(encrypted, other, **sight) - expected).abs().max() > 0.1, "a wrong key must not be answered"


def test_a_whitening_is_absorbed_with_the_matrix(plain, key, images, sight):
    """Inside the affine map, so that there is nothing to add: exact in double precision."""
    slopes = np.random.default_rng(1).normal(size=(40, 32, 32, 3)).cumsum(axis=1).cumsum(axis=2)
    scheme = create_scheme("vit-orthogonal", block_size=8)
    whitened = scheme.bind(fit_asset(scheme, images=np.clip(128 + 4 * slopes, 0, 255).astype(np.uint8)))
    plain = copy.deepcopy(plain).double()
    encrypted = encrypt_model(plain, scheme=whitened, key=key, image_size=32, **sight)
    expected, pixels = answers(plain, images, **sight), images.astype(np.float64)
    hidden = whitened.plan(key=key, shape=(32, 32, 3)).apply(pixels)
    torch.testing.assert_close(answers(encrypted, hidden, **sight), expected, atol=1e-9, rtol=1e-9)
    unwhitened = scheme.plan(key=key, shape=(32, 32, 3)).apply(pixels)
    assert (answers(encrypted, unwhitened, **sight) - expected).abs().max() > 0.1


def test_the_plain_model_is_left_alone(plain, scheme, key, sight):
    before = copy.deepcopy(plain.state_dict())
    encrypted = encrypt_model(plain, scheme=scheme, key=key, image_size=32, **sight)
    assert all(torch.equal(tensor, before[name]) for name, tensor in plain.state_dict().items())
    assert not hasattr(plain, "pixelveil")
    shared = {p.data_ptr() for p in plain.parameters()} & {p.data_ptr() for p in encrypted.parameters()}
    assert not shared, "the copy must own its weights"


def test_no_image_is_counted_against_the_budget(plain, scheme, sight):
    key = Key.generate(budget=5)
    encrypt_model(plain, scheme=scheme, key=key, image_size=32, **sight)
    assert key.remaining == 5


def test_the_encrypted_model_says_what_it_is(plain, scheme, key, sight):
    encrypted = encrypt_model(plain, scheme=scheme, key=key, image_size=32, client="clinic", **sight)
    info = encrypted.pixelveil
    assert isinstance(info, StemInfo)
    assert (info.scheme, info.parameters, info.digest) == (scheme.name, scheme.parameters, scheme.digest)
    assert (info.fingerprint, info.epoch, info.client) == (key.fingerprint, 1, "clinic")
    assert (info.image_size, info.mean, info.std) == ((32, 32), sight["mean"], sight["std"])
    assert info.family == "timm VisionTransformer"
    assert info.order_absorbed
    assert copy.deepcopy(encrypted).pixelveil == info
    unscrambled = create_scheme(scheme.name, block_size=8, scramble_blocks=False)
    assert not encrypt_model(plain, scheme=unscrambled, key=key, image_size=32, **sight).pixelveil.order_absorbed


def test_clients_have_models_of_their_own(plain, key, images, sight):
    scheme = create_scheme("vit-permutation", block_size=8)
    mine = encrypt_model(plain, scheme=scheme, key=key, image_size=32, client="a", **sight)
    theirs = scheme.encrypt(images, key=key, client="b").images
    ours = scheme.encrypt(images, key=key, client="a").images
    expected = answers(plain, images, **sight)
    torch.testing.assert_close(answers(mine, ours, **sight), expected, atol=2e-4, rtol=1e-4)
    assert (answers(mine, theirs, **sight) - expected).abs().max() > 0.1


def test_names_and_shapes_stay_so_that_timm_can_load_the_weights(make_plain, scheme, key, sight):
    for name in ("vit_tiny_patch16_224", "vit_base_patch16_clip_224"):
        plain = make_plain(name)
        encrypted = encrypt_model(plain, scheme=scheme, key=key, image_size=32, **sight)
        shapes = {label: tensor.shape for label, tensor in plain.state_dict().items()}
        assert {label: tensor.shape for label, tensor in encrypted.state_dict().items()} == shapes


def test_dtype_device_and_mode_stay(plain, key, sight):
    scheme = create_scheme("vit-permutation", block_size=8)
    half = copy.deepcopy(plain).to(torch.bfloat16).train()
    encrypted = encrypt_model(half, scheme=scheme, key=key, image_size=32, **sight)
    assert {parameter.dtype for parameter in encrypted.parameters()} == {torch.bfloat16}
    assert encrypted.training
    assert half.training


def test_a_gray_model_is_encrypted(make_plain, key):
    plain, scheme = make_plain(in_chans=1), create_scheme("vit-permutation", block_size=8)
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 1), dtype=np.uint8)
    sight = {"mean": (0.3,), "std": (0.2,)}
    encrypted = encrypt_model(plain, scheme=scheme, key=key, image_size=32, **sight)
    found = answers(encrypted, scheme.encrypt(images, key=key).images, **sight)
    torch.testing.assert_close(found, answers(plain, images, **sight), atol=2e-4, rtol=1e-4)


def test_a_plan_can_be_given_instead_of_a_scheme(plain, images, sight):
    rng = np.random.default_rng(0)
    plan = LanePlan(
        source=rng.permutation(192), flip=rng.choice([0, 255], 192), block_size=8, block_order=rng.permutation(16)
    )
    encrypted = encrypt_model_with_plan(plain, plan=plan, image_size=32, **sight)
    found = answers(encrypted, plan.apply(images), **sight)
    torch.testing.assert_close(found, answers(plain, images, **sight), atol=2e-4, rtol=1e-4)
    assert encrypted.pixelveil.scheme == ""


def test_a_key_for_each_block_is_absorbed(plain, block_scheme, key, images, sight):
    encrypted = encrypt_model(plain, scheme=block_scheme, key=key, image_size=32, **sight)
    assert encrypted.pixelveil.form == "signed"
    assert "in the clear" in encrypted.pixelveil.exposes
    expected = answers(plain, images, **sight)
    found = answers(encrypted, block_scheme.encrypt(images, key=key).images, **sight)
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=1e-4)
    assert (answers(encrypted, images, **sight) - expected).abs().max() > 0.1, "plain images must not be answered"
    other = block_scheme.encrypt(images, key=Key.generate()).images
    assert (answers(encrypted, other, **sight) - expected).abs().max() > 0.1, "a wrong key must not be answered"


def test_any_matrix_for_each_block_is_absorbed(plain, reflections, images, sight):
    encrypted = encrypt_model_with_plan(plain, plan=reflections, image_size=32, **sight)
    assert encrypted.pixelveil.form == "dense"
    assert encrypted.patch_embed.proj.weight.shape == (16, 48, 192)
    found = answers(encrypted, reflections.apply(images), **sight)
    expected = answers(plain, images, **sight)
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=1e-4)
    moved = AffinePlan(
        matrix=reflections.matrix, offset=reflections.offset, block_order=np.roll(reflections.block_order, 1)
    )
    assert (answers(encrypted, moved.apply(images), **sight) - expected).abs().max() > 0.1


def test_one_matrix_with_an_offset_for_each_block_needs_one_kernel(plain, reflections, images, sight):
    plan = AffinePlan(matrix=reflections.matrix[0], offset=reflections.offset, block_order=reflections.block_order)
    encrypted = encrypt_model_with_plan(plain, plan=plan, image_size=32, **sight)
    assert encrypted.pixelveil.form == "signed"
    torch.testing.assert_close(
        answers(encrypted, plan.apply(images), **sight), answers(plain, images, **sight), atol=2e-4, rtol=1e-4
    )


@pytest.mark.parametrize("name", ["vit_base_patch16_clip_224", "naflexvit_base_patch16_gap"])
@pytest.mark.parametrize("kind", ["signed", "dense"])
def test_no_bias_and_linear_layers_take_a_key_for_each_block(make_plain, key, reflections, images, sight, name, kind):
    plain = make_plain(name, **({"img_size": None} if "naflex" in name else {}))
    order = None if "naflex" in name else reflections.block_order
    plan = AffinePlan(matrix=reflections.matrix, offset=reflections.offset, block_order=order)
    if kind == "signed":
        rng = np.random.default_rng(0)
        source = rng.permuted(np.tile(np.arange(192), (16, 1)), axis=1)
        flip = rng.choice(np.array([0, 255], np.uint8), (16, 192))
        plan = LanePlan(source=source, flip=flip, block_size=8, choice=np.arange(16), block_order=order)
    encrypted = encrypt_model_with_plan(plain, plan=plan, image_size=32, **sight)
    assert encrypted.pixelveil.form == kind
    torch.testing.assert_close(
        answers(encrypted, plan.apply(images), **sight), answers(plain, images, **sight), atol=2e-4, rtol=1e-4
    )


def test_small_blocks_with_keys_of_their_own_are_one_map_for_each_patch(plain, images, sight):
    rng = np.random.default_rng(0)
    plan = LanePlan(
        source=rng.permuted(np.tile(np.arange(48), (64, 1)), axis=1), block_size=4, choice=np.arange(64), grid=(8, 8)
    )
    encrypted = encrypt_model_with_plan(plain, plan=plan, image_size=32, **sight)
    assert not encrypted.pixelveil.order_absorbed
    torch.testing.assert_close(
        answers(encrypted, plan.apply(images), **sight), answers(plain, images, **sight), atol=2e-4, rtol=1e-4
    )


def test_small_blocks_that_leave_their_patch_are_refused(plain, key, sight):
    scheme = create_scheme("etc-color", block_size=4)
    with pytest.raises(UnsupportedModelError, match=r"4x4 are moved between patches of 8x8.*block_size=8"):
        encrypt_model(plain, scheme=scheme, key=key, image_size=32, **sight)


def test_blocks_that_move_are_refused_where_positions_cannot_follow(key, sight):
    case = next(case for case in CASES if case.name == "ConvMixer-768/32")
    scheme = create_scheme("etc-color", block_size=7)
    with pytest.raises(UnsupportedModelError, match="test 2 fails"):
        encrypt_model(build(case), scheme=scheme, key=key, image_size=56, **sight)


def test_kernels_that_would_be_too_large_are_refused_before_anything_is_built(plain, reflections, sight, monkeypatch):
    monkeypatch.setattr("pixelveil.models.cost.LARGEST_KERNELS", 500_000)
    with pytest.raises(UnsupportedModelError, match=r"16 kernels of 48x192 instead of one, 0\.6 MB instead of 0\.0 MB"):
        encrypt_model_with_plan(plain, plan=reflections, image_size=32, **sight)


def test_no_dense_map_of_each_block_is_made_for_a_scheme(make_plain, key, sight, monkeypatch):
    """At 224x224 they would take a gigabyte, which `to_affine` refuses; index and sign are enough."""

    def refuse(plan):
        raise AssertionError(plan)

    monkeypatch.setattr(LanePlan, "to_affine", refuse)
    plain = make_plain(img_size=224, patch_size=16)
    scheme = create_scheme("etc-color", block_size=16)
    encrypted = encrypt_model(plain, scheme=scheme, key=key, image_size=224, **sight)
    assert encrypted.patch_embed.proj.index.shape == (196, 768)


def test_small_blocks_without_scrambling_are_lifted(plain, key, images, sight):
    scheme = create_scheme("vit-permutation", block_size=4, scramble_blocks=False)
    encrypted = encrypt_model(plain, scheme=scheme, key=key, image_size=32, **sight)
    found = answers(encrypted, scheme.encrypt(images, key=key).images, **sight)
    torch.testing.assert_close(found, answers(plain, images, **sight), atol=2e-4, rtol=1e-4)


def test_small_blocks_with_scrambling_are_refused(plain, key, sight):
    scheme = create_scheme("vit-permutation", block_size=4)
    with pytest.raises(UnsupportedModelError, match=r"moved between patches.*block_size=8"):
        encrypt_model(plain, scheme=scheme, key=key, image_size=32, **sight)


def test_a_model_is_not_encrypted_twice(plain, scheme, key, sight):
    encrypted = encrypt_model(plain, scheme=scheme, key=key, image_size=32, **sight)
    with pytest.raises(UsageError, match=r"encrypted already.*rekey_stem"):
        encrypt_model(encrypted, scheme=scheme, key=key, image_size=32, **sight)


def test_statistics_must_fit(plain, scheme, key):
    with pytest.raises(UsageError, match="mean and std"):
        encrypt_model(plain, scheme=scheme, key=key, image_size=32, mean=(0.5,), std=(0.5,))


class Ramp(VisionTransformer):
    """Weighs tokens by their place in the sequence: structure alone does not show it."""

    def forward_features(self, x, attn_mask=None, is_causal=False):
        tokens = super().forward_features(x, attn_mask=attn_mask, is_causal=is_causal)
        return tokens * torch.linspace(0, 1, tokens.shape[1], dtype=tokens.dtype)[None, :, None]


class Peek(nn.Module):
    """Adds the mean of the raw pixels to the logits, past the patch embedding."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x) + x.mean(dim=(1, 2, 3))[:, None]


def ramp():
    torch.manual_seed(0)
    model = Ramp(img_size=32, patch_size=8, embed_dim=48, depth=1, num_heads=3, num_classes=5, global_pool="avg")
    return model.eval()


@pytest.mark.parametrize("make", [ramp, lambda: Peek(ramp())])
def test_what_the_structure_does_not_show_is_caught_by_the_check(make, key, sight):
    scheme = create_scheme("vit-orthogonal", block_size=8)
    with pytest.raises(VerificationError, match="would answer differently") as caught:
        encrypt_model(make(), scheme=scheme, key=key, image_size=32, **sight)
    assert caught.value.difference > 1e-6
    assert encrypt_model(make(), scheme=scheme, key=key, image_size=32, check=False, **sight) is not None


def test_a_map_inside_blocks_does_not_mind_weights_by_place(key, sight):
    scheme = create_scheme("vit-orthogonal", block_size=8, scramble_blocks=False)
    assert encrypt_model(ramp(), scheme=scheme, key=key, image_size=32, **sight).pixelveil.order_absorbed is False


def test_a_matrix_that_forgets_something_is_refused(plain, sight):
    singular = np.eye(192)
    singular[0] = singular[1]
    with pytest.raises(UnsupportedModelError, match="singular"):
        encrypt_model_with_plan(plain, plan=AffinePlan(matrix=singular), image_size=32, **sight)
