"""Measures of what an attack or a ciphertext shows: pure functions on batches of 8-bit images. None decides alone."""

from pixelveil.attacks.measures.appearance import adjacent_correlation, entropy, histogram_distance, uniformity
from pixelveil.attacks.measures.edges import edge_correlation
from pixelveil.attacks.measures.error import affinely_aligned, float_psnr, psnr
from pixelveil.attacks.measures.information import mutual_information
from pixelveil.attacks.measures.perceptual import load_lpips
from pixelveil.attacks.measures.recognition import class_agreement, ranks, thumbnail_features
from pixelveil.attacks.measures.sensitivity import critical_values, npcr, uaci
from pixelveil.attacks.measures.structure import ms_ssim, ssim

__all__ = [
    "adjacent_correlation",
    "affinely_aligned",
    "class_agreement",
    "critical_values",
    "edge_correlation",
    "entropy",
    "float_psnr",
    "histogram_distance",
    "load_lpips",
    "ms_ssim",
    "mutual_information",
    "npcr",
    "psnr",
    "ranks",
    "ssim",
    "thumbnail_features",
    "uaci",
    "uniformity",
]
