"""The architectures that model encryption is proven on: a literal table, small and with random weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

import torch
from torch import nn

from pixelveil.errors import MissingExtraError

__all__ = ["CASES", "Case", "build"]

# Strength of the noise on all weights: strong enough that every table of positions matters.
NOISE: Final = 0.2
Library = Literal["timm", "torchvision", "transformers"]
Size: TypeAlias = int | tuple[int, int]


@dataclass(frozen=True)
class Case:
    """One architecture to prove.

    Args:
        name: What readers call it; unique in its library.
        library: Where it comes from.
        model: timm or torchvision name, or Hugging Face class.
        options: Arguments of the constructor or of the configuration that make it small.
        size: Side, or height and width, of its images.
        config: Hugging Face configuration class.
        order: Whether a block order is absorbed; else the key acts inside blocks only.
        quick: Whether every test run proves it.
    """

    name: str
    library: Library
    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    size: Size = 64
    config: str = ""
    order: bool = True
    quick: bool = False


def build(case: Case, *, seed: int = 0) -> nn.Module:
    """Return the model of a case with random weights, none of them zero, so that a wrong order shows.

    Args:
        case: The case.
        seed: Of the weights.

    Raises:
        MissingExtraError: The library is not installed.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = _construct(case)
        # Class tokens, position tables and layer scales start at zero or next to it.
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=NOISE)
    return model.eval()


def _construct(case: Case) -> nn.Module:
    """Return the model of a case as its library makes it."""
    try:
        import timm
        import torchvision
        import transformers
    except ImportError as error:
        raise MissingExtraError("proving architectures", extra="models") from error
    options = dict(case.options)
    model: nn.Module
    if case.library == "timm":
        model = timm.create_model(case.model, **{"num_classes": 10, **options})
    elif case.library == "torchvision":
        model = getattr(torchvision.models, case.model)(**{"num_classes": 10, **options})
    else:
        config = getattr(transformers, case.config)(**options)
        model = getattr(transformers, case.model)(config)
    return model


# timm shrinks by its own arguments; widths are cut so that all cases together take a minute or two on one core.
TINY: Final = {"depth": 2, "embed_dim": 96, "num_heads": 4, "img_size": 64}
P14: Final = {**TINY, "img_size": 56}
AT64: Final = {"img_size": 64}
NARROW: Final = {"depth": 2, "embed_dim": 96, "num_heads": 4}
STAGES: Final = {"depths": (1, 1, 1, 1)}
SWIN: Final = {"depths": (2, 2), "num_heads": (2, 2), "embed_dim": 32}
TORCHVISION: Final = {
    "image_size": 64,
    "patch_size": 16,
    "num_layers": 2,
    "num_heads": 4,
    "hidden_dim": 96,
    "mlp_dim": 192,
}
TORCHVISION_SWIN: Final = {
    "patch_size": [4, 4],
    "embed_dim": 32,
    "depths": [2, 2],
    "num_heads": [2, 2],
    "window_size": [7, 7],
}
# Hugging Face configurations share most names.
HF: Final = {
    "hidden_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 192,
    "image_size": 64,
    "patch_size": 16,
}
TEXT: Final = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "vocab_size": 64,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 1,
}
TWO_PARTS: Final = {"vision_config": HF, "text_config": TEXT}
BEIT: Final = {**HF, "use_relative_position_bias": True}
BEIT_SHARED: Final = {**HF, "use_shared_relative_position_bias": True, "use_absolute_position_embeddings": True}
YOLOS: Final = {**HF, "image_size": [48, 80], "num_detection_tokens": 10}
SAM: Final = {**HF, "output_channels": 32, "global_attn_indexes": [1], "mlp_dim": 128, "window_size": 3}
HF_STAGES: Final = {"hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 1, 1], "image_size": 64}
HF_SWIN: Final = {"embed_dim": 32, "depths": [2, 2], "num_heads": [2, 2]}


def _timm(name: str, model: str, options: Mapping[str, Any], size: Size = 64, *, quick: bool = False) -> Case:
    return Case(name=name, library="timm", model=model, options=options, size=size, quick=quick)


def _hf(
    name: str, model: str, config: str, options: Mapping[str, Any], size: Size = 64, *, quick: bool = False
) -> Case:
    return Case(name=name, library="transformers", model=model, config=config, options=options, size=size, quick=quick)


FOLLOWING: Final[tuple[Case, ...]] = (
    _timm("ViT-Ti/16", "vit_tiny_patch16_224", {"depth": 2, "img_size": 64}, quick=True),
    _timm("ViT-Ti/16, images that are not square", "vit_tiny_patch16_224", {**TINY, "img_size": (48, 80)}, (48, 80)),
    _timm("ViT-B/8", "vit_base_patch8_224", {**TINY, "img_size": 40}, 40),
    _timm("ViT-H/14", "vit_huge_patch14_224", P14, 56),
    _timm("ViT-B/16, answers per patch", "vit_base_patch16_224", {**TINY, "num_classes": 0, "global_pool": ""}),
    _timm("ViT-B/16 GAP, no class token", "vit_base_patch16_gap_224", TINY),
    _timm("ViT-M/16 with 4 registers, GAP", "vit_medium_patch16_reg4_gap_256", TINY),
    _timm("ViT-SO150M/16 with 4 registers, MAP", "vit_so150m_patch16_reg4_map_256", TINY),
    _timm("ViT-S/16 36x1", "vit_small_patch16_36x1_224", TINY),
    _timm("ViT-S/16 18x2, parallel", "vit_small_patch16_18x2_224", TINY),
    _timm("ViT wee, parallel scaling", "vit_wee_patch16_reg1_gap_256", TINY),
    _timm("ViT little, differential attention", "vit_dlittle_patch16_reg1_gap_256", TINY),
    _timm("ViT-B/16, residual post-norm", "vit_base_patch16_rpn_224", TINY),
    _timm("ViT-B/16 CLIP, no bias", "vit_base_patch16_clip_224", TINY, quick=True),
    _timm("ViT-B/16 SigLIP, MAP", "vit_base_patch16_siglip_224", TINY),
    _timm("ViT-B/16 SigLIP, GAP", "vit_base_patch16_siglip_gap_224", TINY),
    _timm("ViT-S/14 DINOv2", "vit_small_patch14_dinov2", P14, 56),
    _timm("ViT-S/14 DINOv2, other size", "vit_small_patch14_dinov2", {**P14, "dynamic_img_size": True}, 84, quick=True),
    _timm("ViT-S/14 DINOv2 with registers", "vit_small_patch14_reg4_dinov2", P14, 56),
    _timm("FlexiViT-S", "flexivit_small", TINY),
    _timm("AIMv2-L/14", "aimv2_large_patch14_224", P14, 56),
    _timm("DeiT-Ti/16", "deit_tiny_patch16_224", TINY),
    _timm("DeiT-Ti/16 distilled", "deit_tiny_distilled_patch16_224", TINY, quick=True),
    _timm("DeiT-III-S/16", "deit3_small_patch16_224", TINY),
    _timm("CaiT-XXS24", "cait_xxs24_224", TINY),
    _timm("ConViT-Ti", "convit_tiny", {**TINY, "local_up_to_layer": 1}, quick=True),
    _timm("BEiT-B/16", "beit_base_patch16_224", TINY, quick=True),
    _timm("BEiT-2-B/16", "beitv2_base_patch16_224", TINY),
    _timm("ViT-S/16 relative positions", "vit_relpos_small_patch16_224", TINY),
    _timm("ViT-S/16 shared relative positions", "vit_srelpos_small_patch16_224", TINY),
    _timm("ViT-B/16 relative positions, class token", "vit_relpos_base_patch16_clsgap_224", TINY),
    _timm("ViT-B/16 relative positions, post-norm", "vit_relpos_base_patch16_rpn_224", {**TINY, "depth": 6}),
    _timm("EVA-g/14", "eva_giant_patch14_224", P14, 56),
    _timm("EVA-02-Ti/14", "eva02_tiny_patch14_224", P14, 56, quick=True),
    _timm("EVA-02-B/16 CLIP", "eva02_base_patch16_clip_224", TINY),
    _timm("ViT-S/16 axial rotary positions", "vit_small_patch16_rope_224", TINY),
    _timm("ViT-S/16 axial rotary and absolute positions", "vit_small_patch16_rope_ape_224", TINY),
    _timm("ViT-S/16 mixed rotary positions", "vit_small_patch16_rope_mixed_224", TINY, quick=True),
    _timm("ViT-S/16 DINOv3", "vit_small_patch16_dinov3", TINY, quick=True),
    _timm("Perception Encoder Core-Ti/16", "vit_pe_core_tiny_patch16_384", TINY),
    _timm("MLP-Mixer-S/16", "mixer_s16_224", AT64, quick=True),
    _timm("gMixer-12", "gmixer_12_224", AT64),
    _timm("ResMLP-12", "resmlp_12_224", AT64),
    _timm("gMLP-Ti/16", "gmlp_ti16_224", AT64),
    Case(name="ViT", library="torchvision", model="VisionTransformer", options=TORCHVISION),
    _hf("ViT", "ViTForImageClassification", "ViTConfig", HF, quick=True),
    _hf("ViT-MSN", "ViTMSNForImageClassification", "ViTMSNConfig", HF),
    _hf("DeiT", "DeiTForImageClassificationWithTeacher", "DeiTConfig", HF),
    _hf("I-JEPA", "IJepaForImageClassification", "IJepaConfig", HF),
    _hf("DINOv2", "Dinov2ForImageClassification", "Dinov2Config", HF),
    _hf("DINOv2, other size", "Dinov2Model", "Dinov2Config", HF, 96, quick=True),
    _hf("DINOv2 backbone, maps", "Dinov2Backbone", "Dinov2Config", {**HF, "out_features": ["stage2"]}),
    _hf("DINOv2 with registers", "Dinov2WithRegistersModel", "Dinov2WithRegistersConfig", HF),
    _hf("DINOv3", "DINOv3ViTModel", "DINOv3ViTConfig", {**HF, "num_register_tokens": 4}),
    _hf("Pixio", "PixioModel", "PixioConfig", HF),
    _hf("BEiT", "BeitForImageClassification", "BeitConfig", BEIT, quick=True),
    _hf("BEiT, shared and absolute positions", "BeitModel", "BeitConfig", BEIT_SHARED),
    _hf("Data2Vec", "Data2VecVisionForImageClassification", "Data2VecVisionConfig", BEIT),
    _hf("CLIP vision", "CLIPVisionModel", "CLIPVisionConfig", HF),
    _hf("CLIP vision with projection", "CLIPVisionModelWithProjection", "CLIPVisionConfig", HF),
    _hf("CLIP, image features", "CLIPModel", "CLIPConfig", TWO_PARTS),
    _hf("SigLIP vision", "SiglipVisionModel", "SiglipVisionConfig", HF),
    _hf("SigLIP, image features", "SiglipModel", "SiglipConfig", TWO_PARTS),
    _hf("MetaCLIP-2 vision", "MetaClip2VisionModel", "MetaClip2VisionConfig", HF),
    _hf("Chinese-CLIP vision", "ChineseCLIPVisionModel", "ChineseCLIPVisionConfig", HF),
    _hf("MLCD", "MLCDVisionModel", "MLCDVisionConfig", HF, quick=True),
    _hf("BLIP vision", "BlipVisionModel", "BlipVisionConfig", HF),
    _hf("FLAVA image", "FlavaImageModel", "FlavaImageConfig", HF),
    _hf("AIMv2 vision", "Aimv2VisionModel", "Aimv2VisionConfig", HF),
    _hf("YOLOS, other size", "YolosForObjectDetection", "YolosConfig", YOLOS, (64, 96), quick=True),
)

INSIDE: Final[tuple[Case, ...]] = (
    _timm("CoaT-Lite-Ti", "coat_lite_tiny", AT64),
    _timm("ConvMixer-768/32", "convmixer_768_32", {}, 56),
    _timm("ConvNeXt-atto", "convnext_atto", STAGES, quick=True),
    _timm("ConvNeXt-V2-atto", "convnextv2_atto", STAGES),
    _timm("EdgeNeXt-XXS", "edgenext_xx_small", STAGES),
    _timm("FasterNet-T0", "fasternet_t0", STAGES),
    _timm("InceptionNeXt-Ti", "inception_next_tiny", STAGES),
    _timm("NaFlexViT-B/16", "naflexvit_base_patch16_gap", NARROW, quick=True),
    _timm("NesT-Ti", "nest_tiny", AT64),
    _timm("RDNet-Ti", "rdnet_tiny", {}),
    _timm("SAM-B/16", "samvit_base_patch16", {**TINY, "global_attn_indexes": (1,)}),
    _timm("Sequencer2D-S", "sequencer2d_s", {"img_size": 56}, 56),
    _timm("Swin-Ti", "swin_tiny_patch4_window7_224", {**SWIN, "img_size": 56}, 56, quick=True),
    _timm("Swin-V2-Ti", "swinv2_tiny_window8_256", {**SWIN, "img_size": 64}),
    _timm("Swin-V2-CR-Ti", "swinv2_cr_tiny_224", {**SWIN, "img_size": 64}),
    _timm("Twins-PCPVT-S", "twins_pcpvt_small", {}),
    Case(name="Swin", library="torchvision", model="SwinTransformer", options=TORCHVISION_SWIN),
    Case(name="ConvNeXt-Ti", library="torchvision", model="convnext_tiny"),
    _hf("ConvNeXt", "ConvNextForImageClassification", "ConvNextConfig", HF_STAGES),
    _hf("ConvNeXt-V2", "ConvNextV2ForImageClassification", "ConvNextV2Config", HF_STAGES),
    _hf("FocalNet", "FocalNetForImageClassification", "FocalNetConfig", {**STAGES, "image_size": 64, "embed_dim": 16}),
    _hf("PVT", "PvtForImageClassification", "PvtConfig", {**HF_STAGES, "num_attention_heads": [1, 1, 1, 1]}),
    _hf("SAM vision encoder", "SamVisionModel", "SamVisionConfig", SAM),
    _hf("Swin", "SwinForImageClassification", "SwinConfig", {**HF_SWIN, "image_size": 56}, 56),
    _hf("Swin-V2", "Swinv2ForImageClassification", "Swinv2Config", {**HF_SWIN, "image_size": 64, "window_size": 4}),
)

CASES: Final[tuple[Case, ...]] = (*FOLLOWING, *(replace(case, order=False) for case in INSIDE))
