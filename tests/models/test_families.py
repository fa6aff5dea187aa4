"""Each refusal with its reason, and what adapters find."""

import copy

import pytest
import timm
import torch
import transformers
from torch import nn

from pixelveil.errors import UnsupportedModelError
from pixelveil.keys import Key
from pixelveil.models import encrypt_model
from pixelveil.models.families import FAMILIES, settle_and_describe
from pixelveil.models.support_cases import CASES, HF, SWIN, Case, build
from pixelveil.schemes import create_scheme

SIGHT = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
SWIN_TINY = {**SWIN, "img_size": 56}
TINY = {"depth": 1, "embed_dim": 24, "num_heads": 3, "img_size": 32}


def timm_model(name, **options):
    return timm.create_model(name, num_classes=5, **options).eval()


def hf(model, config, **options):
    return getattr(transformers, model)(getattr(transformers, config)(**options)).eval()


def normalized_naflex():
    model = timm_model("naflexvit_base_patch16_gap", depth=1, embed_dim=24, num_heads=3)
    model.embeds.norm_input = nn.LayerNorm(768)
    return model


# Architecture, image size, and what the refusal must say: models that no key fits at all.
REFUSED = {
    "resnet18": (64, r"test 1 fails.*conv1 overlap.*kernel \(7, 7\), stride \(2, 2\)"),
    "mobilenetv3_small_050": (64, "test 1 fails.*conv_stem overlap"),
    "efficientnet_lite0": (64, "test 1 fails.*overlap"),
    "vit_tiny_r_s16_p8_224": (224, "test 1 fails.*more than a projection: backbone"),
    "xcit_tiny_12_p8_224": (224, "test 1 fails.*overlap"),
    "levit_128s": (224, "test 1 fails.*overlap"),
    "pit_ti_224": (224, r"test 1 fails.*kernel \(16, 16\), stride \(8, 8\)"),
    "tnt_s_legacy_patch16_224": (224, "test 1 fails.*overlap"),
    "hiera_tiny_224": (224, "test 1 fails.*overlap"),
    "pvt_v2_b0": (64, "test 1 fails.*overlap"),
    "fastvit_t8": (64, "test 1 fails.*read by .*, .*not by one patch embedding"),
    "davit_tiny": (64, "test 1 fails.*read by no layer"),
    "crossvit_tiny_240": (240, "test 1 fails.*two scales"),
}

# Models that take a key inside blocks but no block order.
FIXED = {
    "swin": (lambda: timm_model("swin_tiny_patch4_window7_224", **SWIN_TINY), 56, 4, "shifted windows"),
    "convnext": (lambda: timm_model("convnext_atto", depths=(1, 1, 1, 1)), 64, 4, "conv_dw is Conv2d over the grid"),
    "convmixer": (lambda: timm_model("convmixer_768_32"), 56, 7, "is Conv2d over the grid"),
    "sequencer": (lambda: timm_model("sequencer2d_s", img_size=56), 56, 7, "LSTM over the grid"),
    "sam": (lambda: timm_model("samvit_base_patch16", **{**TINY, "img_size": 64}), 64, 16, "over the grid"),
    "naflex": (lambda: timm_model("naflexvit_base_patch16_gap", depth=1, embed_dim=24, num_heads=3), 64, 16, "NaFlex"),
    "segmentation": (
        lambda: hf(
            "BeitForSemanticSegmentation", "BeitConfig", **{**HF, "num_hidden_layers": 4, "out_indices": [0, 1, 2, 3]}
        ),
        64,
        16,
        "ConvTranspose2d over the grid",
    ),
    "masked image modeling": (lambda: hf("ViTForMaskedImageModeling", "ViTConfig", **HF), 64, 16, "over the grid"),
    "native AIMv2": (
        lambda: hf("Aimv2VisionModel", "Aimv2VisionConfig", **{**HF, "is_native": True}),
        64,
        16,
        "computed for the size of each image",
    ),
    "unknown": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 4, stride=4), nn.Flatten(), nn.Linear(8 * 64, 5)).eval(),
        32,
        4,
        "its architecture is unknown",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_models_without_a_patch_embedding_are_refused_with_the_reason(name):
    size, reason = REFUSED[name]
    scheme = create_scheme("vit-permutation", block_size=16, scramble_blocks=False)
    with pytest.raises(UnsupportedModelError, match=reason):
        encrypt_model(timm_model(name), scheme=scheme, key=Key.generate(), image_size=size, check=False, **SIGHT)


@pytest.mark.parametrize("name", FIXED)
def test_models_that_know_the_grid_refuse_a_block_order_with_the_reason(name):
    make, size, side, reason = FIXED[name]
    scheme = create_scheme("vit-permutation", block_size=side)
    with pytest.raises(UnsupportedModelError, match=rf"test 2 fails.*{reason}.*scramble_blocks=false"):
        encrypt_model(make(), scheme=scheme, key=Key.generate(), image_size=size, check=False, **SIGHT)


@pytest.mark.parametrize("name", [name for name in FIXED if name != "segmentation"])
def test_the_same_models_take_a_key_inside_blocks(name):
    make, size, side, _ = FIXED[name]
    scheme = create_scheme("vit-permutation", block_size=side, scramble_blocks=False)
    encrypted = encrypt_model(make(), scheme=scheme, key=Key.generate(), image_size=size, **SIGHT)
    assert not encrypted.pixelveil.order_absorbed
    layout = encrypted.pixelveil.layout
    assert set(layout.names) == {layout.embedding.weight, layout.embedding.bias}


@pytest.mark.parametrize(
    ("make", "size", "reason"),
    [
        (lambda: timm_model("vit_tiny_patch16_224", **TINY), 64, "built for images of 32x32, not 64x64"),
        (lambda: hf("ViTModel", "ViTConfig", **HF), 32, "built for images of 64x64, not 32x32"),
        (lambda: hf("CLIPVisionModel", "CLIPVisionConfig", **HF), (64, 32), "built for images of 64x64, not 64x32"),
        (lambda: hf("Dinov2Model", "Dinov2Config", **HF), (32, 64), "not square"),
        (lambda: hf("DINOv3ViTModel", "DINOv3ViTConfig", **HF), 40, "patches of 16x16 do not divide"),
        (lambda: hf("ViTMAEModel", "ViTMAEConfig", **HF), 64, "test 2 fails.*masked autoencoder.*ViTModel"),
        (lambda: timm_model("vit_tiny_patch16_224", **TINY, dynamic_img_size=True, dynamic_img_pad=True), 32, "pads"),
        (lambda: timm_model("vit_tiny_patch16_224", **{**TINY, "patch_size": (16, 8)}), 32, "not square"),
        (lambda: nn.ModuleList([timm_model("vit_tiny_patch16_224", **TINY) for _ in range(2)]), 32, "2 vision models"),
        (normalized_naflex, 32, "test 1 fails.*normalizes the pixels"),
        (lambda: nn.Sequential(nn.Linear(3, 5)), 32, "test 1 fails.*no layer|cannot be run"),
    ],
)
def test_other_refusals(make, size, reason):
    with pytest.raises(UnsupportedModelError, match=reason):
        settle_and_describe(make(), image_size=(size, size) if isinstance(size, int) else size)


def test_a_block_size_that_is_not_the_patch_size_is_refused():
    model = timm_model("vit_tiny_patch16_224", **TINY)
    with pytest.raises(UnsupportedModelError, match=r"blocks of 32x32 do not fit patches of 16x16.*block_size=16"):
        encrypt_model(
            model, scheme=create_scheme("vit-permutation", block_size=32), key=Key.generate(), image_size=32, **SIGHT
        )


def test_every_case_that_follows_a_block_order_has_an_adapter():
    for case in (case for case in CASES if case.quick):
        model = build(case)
        size = (case.size, case.size) if isinstance(case.size, int) else case.size
        layout = settle_and_describe(copy.deepcopy(model), image_size=size)
        assert bool(layout.fixed) == (not case.order), case.name
        assert layout.family.replace(" ", ":") in FAMILIES or not case.order, case.name


def test_settling_changes_no_answer():
    for name in ("DINOv2, other size", "YOLOS, other size", "ViT-S/14 DINOv2, other size", "ConViT-Ti"):
        case = next(case for case in CASES if case.name == name)
        model = build(case)
        size = (case.size, case.size) if isinstance(case.size, int) else case.size
        settled = copy.deepcopy(model)
        settle_and_describe(settled, image_size=size)
        pixels = torch.randn(1, 3, *size)
        with torch.no_grad():
            answers = [
                output[0] if not torch.is_tensor(output) else output for output in (model(pixels), settled(pixels))
            ]
        assert torch.equal(*answers), name


def test_a_dynamic_model_is_pinned_to_the_size_it_was_encrypted_for():
    model = timm_model("vit_small_patch16_dinov3", **TINY)
    assert model.dynamic_img_size
    scheme = create_scheme("vit-permutation", block_size=16)
    encrypted = encrypt_model(model, scheme=scheme, key=Key.generate(), image_size=64, **SIGHT)
    assert encrypted(torch.zeros(1, 3, 64, 64)).shape == (1, 5)
    with pytest.raises(AssertionError, match="doesn't match model"):
        encrypted(torch.zeros(1, 3, 32, 32))
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 5)


def test_a_model_inside_another_module_is_found():
    class Wrapper(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = build(Case(name="x", library="timm", model="beit_base_patch16_224", options=TINY))
            self.head = nn.Linear(10, 3)

        def forward(self, x):
            return self.head(self.backbone(x))

    scheme = create_scheme("vit-permutation", block_size=16)
    encrypted = encrypt_model(Wrapper().eval(), scheme=scheme, key=Key.generate(), image_size=32, **SIGHT)
    assert "backbone.blocks.0.attn.relative_position_index" in encrypted.state_dict()
