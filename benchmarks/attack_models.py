"""What the encrypted model, its server, its clients and its updates give away, beside the design study's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pixelveil import Key, create_scheme
from pixelveil.attacks.controls import aes_noise
from pixelveil.attacks.evaluate import best_reading
from pixelveil.attacks.measures import psnr, ssim
from pixelveil.attacks.stem.april import April
from pixelveil.attacks.stem.catalogue import MODEL_ATTACKS
from pixelveil.attacks.stem.embedding import PatchEmbedding
from pixelveil.attacks.stem.evidence import Client, ModelEvidence, base_tensors
from pixelveil.attacks.stem.gradient_inversion import gradients_of
from pixelveil.attacks.stem.key_recovery import StemKey, match_columns, recover_key
from pixelveil.attacks.stem.linking import link
from pixelveil.attacks.stem.positions import match_rows
from pixelveil.attacks.stem.requirements import access_table
from pixelveil.attacks.stem.tokens import blocks_to_images, decode_tokens, public_prior, smooth_prior
from pixelveil.plans.geometry import join_blocks, split_blocks

if TYPE_CHECKING:
    from torch import nn

__all__ = ["run"]

Row = dict[str, Any]
Bytes = NDArray[np.uint8]

SECRET, PUBLIC = ("astronaut", "coffee", "chelsea"), ("china", "flower", "rocket")
HALF, IMAGENET = {"mean": (0.5,) * 3, "std": (0.5,) * 3}, {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
DRIFTS = (0.0, 0.01, 0.05, 0.1, 0.3, 1.0)
STUDY_DRIFT = {0.0: 1.0, 0.01: 1.0, 0.05: 0.999, 0.1: 0.997, 0.3: 0.976}
STUDY_WIDTH = {
    "photographs": {64: 0.761, 128: 0.857, 192: 0.900, 384: 0.963, 768: 1.0},
    "CIFAR-10": {64: 0.972, 128: 0.993, 192: 0.996, 384: 0.999, 768: 1.0},
}
SCHEMES: tuple[tuple[str, Row], ...] = (
    ("vit-permutation", {}),
    ("vit-permutation", {"per_block": True}),
    ("vit-orthogonal", {}),
    ("vit-compressible", {}),
    ("etc-color", {}),
)


def run(data: Path | None) -> Row:
    """Return all results; those on CIFAR-10 where its file is given."""
    sets = {"photographs": (_crops(SECRET, 12, side=224), _crops(PUBLIC, 40, side=224, seed=1))}
    small = {"photographs": (_crops(SECRET, 40, scale=4), _crops(PUBLIC, 300, scale=4, seed=1))}
    if data:
        with np.load(data, allow_pickle=False) as content:
            train, test = content["x_train"], content["x_test"]
        sets["CIFAR-10"] = (_enlarged(test[:20]), _enlarged(train[:200]))
        small["CIFAR-10"] = (test[:40], train[:2000])
    return {
        "tokens by width, random kernel, blocks of 16x16": {name: _widths(name, *pair) for name, pair in sets.items()},
        "attacks on models with random weights, 224x224, blocks of 16x16, width 768": _models(sets["photographs"]),
        "permutation and inversion keys by drift, all 768 columns": [_columns(width) for width in (192, 384, 768)],
        "block orders by drift, 196 rows of width 192": {str(drift): _order(drift) for drift in DRIFTS},
        "orthogonal keys by drift, blocks of 8x8, width 384": {
            f"{name}, {filters} filters": {str(drift): _orthogonal(*pair, drift, filters) for drift in DRIFTS}
            for name, pair in small.items()
            for filters in ("white", "smooth")
        },
        "after real fine-tuning on digits, blocks of 4x4, width 64": _fine_tuned(*small["photographs"]),
        "april": _april(sets["photographs"][0][:3]),
        "access of a small ViT that reads digits, accuracy": _access(),
    }


def _crops(names: Sequence[str], count: int, *, side: int = 32, scale: int = 1, seed: int = 0) -> Bytes:
    """Return random crops of photographs of scikit-image and scikit-learn, averaged over ``scale`` pixels."""
    from skimage import data
    from sklearn.datasets import load_sample_image

    generator, pictures = np.random.default_rng(seed), []
    sources = [load_sample_image(f"{name}.jpg") if name in PUBLIC[:2] else getattr(data, name)() for name in names]
    for number in range(count):
        source = sources[number % len(sources)]
        top, left = (int(generator.integers(size - side * scale + 1)) for size in source.shape[:2])
        crop = source[top : top + side * scale, left : left + side * scale]
        pictures.append(crop.reshape(side, scale, side, scale, 3).mean(axis=(1, 3)))
    return np.rint(pictures).astype(np.uint8)


def _enlarged(images: Bytes) -> Bytes:
    """Return images at 224x224, as CIFAR-10 is given to ViTs."""
    from PIL import Image

    sizes = (224, 224)
    return np.stack([np.asarray(Image.fromarray(one).resize(sizes, Image.Resampling.BILINEAR)) for one in images])


def _similar(images: Bytes, plain: Bytes) -> float:
    return round(float(ssim(images, plain).mean()), 4)


def _widths(name: str, plain: Bytes, public: Bytes) -> Row:
    """Decode tokens of random kernels: the more values a token has, the more of the block it tells."""
    generator, prior, rows = np.random.default_rng(0), public_prior(public, side=16), {}
    for width, study in STUDY_WIDTH[name].items():
        kernel = generator.normal(size=(width, 768)) / 16
        embedding = PatchEmbedding(kernel=kernel, bias=generator.normal(size=width), side=16, channels=3)
        blocks = decode_tokens(embedding.tokens(plain), embedding=embedding, prior=prior)
        read = blocks_to_images(blocks, order=None, shape=(224, 224, 3), side=16)
        ratio = float(psnr(read, plain).mean())
        rows[str(width)] = {"ssim": _similar(read, plain), "psnr": round(min(ratio, 99.0), 1), "study": study}
    return rows


def _vit(*, seed: int = 0, width: int = 768, depth: int = 1, size: int = 224, patch: int = 16, **options: Any) -> Any:
    """Return a Vision Transformer with random weights, biases and tables."""
    import torch
    from timm.models import VisionTransformer

    torch.manual_seed(seed)
    settings = {"img_size": size, "patch_size": patch, "num_heads": 4, "num_classes": 10, **options}
    model = VisionTransformer(embed_dim=width, depth=depth, **settings).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    return model


def _held(
    model: nn.Module, plain: Bytes, *, scheme: str, parameters: Row, sight: Row, block: int = 16, **more: Any
) -> tuple[ModelEvidence, nn.Module, Key]:
    """Encrypt a model and images; return the evidence, the encrypted model and the key."""
    from pixelveil.models import encrypt_model, extract_stem

    made, key = create_scheme(scheme, block_size=block, **parameters), Key.generate(budget=1 << 30)
    size = plain.shape[1]
    encrypted = encrypt_model(model, scheme=made, key=key, image_size=size, check=False, **sight)
    stem, ciphertexts = extract_stem(encrypted), made.encrypt(plain, key=key).images
    evidence = ModelEvidence(scheme=made, stem=stem, ciphertexts=ciphertexts, victims=len(plain), **more)
    return evidence, encrypted, key


def _models(pair: tuple[Bytes, Bytes]) -> list[Row]:
    """Run every attack that reads ciphertexts on a model of each scheme; with noise, and with an unrelated base."""
    plain, public = pair
    model, other, rows = _vit(), _vit(seed=1), []
    bases = {name: base_tensors(one, image_size=224) for name, one in (("own", model), ("other", other))}
    for scheme, parameters in SCHEMES:
        settings = {"scheme": scheme, "parameters": parameters, "sight": IMAGENET}
        evidence, _, key = _held(model, plain, base=bases["own"], public=public, **settings)
        sibling, _, its = _held(model, plain, **settings)
        foreign, _, _ = _held(other, plain, **settings)
        shape = (224, 224, 3)
        noise = evidence.scheme.encrypt(aes_noise(len(plain), shape), key=key).images
        evidence = replace(evidence, client=Client(plan=evidence.scheme.plan(key=its, shape=shape), stem=sibling.stem))
        found, same, apart = {}, link(evidence.stem, sibling.stem), link(evidence.stem, foreign.stem)
        for name in ("plain-tokens", "stem-key", "colluding-client"):
            attack = MODEL_ATTACKS[name]()
            unrelated = replace(evidence, base=bases["other"])
            found[name] = {
                "ssim": _similar(best_reading(attack.run(evidence), plain), plain),
                "ssim_control": _similar(attack.run(replace(evidence, ciphertexts=noise)).images, plain),
            }
            if name != "colluding-client":
                found[name]["ssim_unrelated_base"] = _similar(attack.run(unrelated).images, plain)
        links = {
            "same base": {"linked": same.same_base, "kernel": _rounded(same.kernel), "positions": same.positions},
            "other base": {"linked": apart.same_base, "kernel": _rounded(apart.kernel), "positions": apart.positions},
        }
        rows.append({"scheme": scheme, "parameters": parameters, "victims": len(plain), **found, "links": links})
    return rows


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _columns(width: int) -> Row:
    """Match the columns of a random kernel that drifted, under a signed permutation."""
    generator, counts = np.random.default_rng(0), {}
    base = generator.normal(size=(width, 768))
    for drift in DRIFTS:
        tuned = base + drift * generator.normal(size=base.shape)
        index, sign = generator.permutation(768), generator.choice([-1, 1], 768)
        found, signs, _ = match_columns(tuned[:, index] * sign, base)
        counts[str(drift)] = int(((found == index) & (signs == sign)).sum())
    return {"width": width, "right_columns": counts, "study": {"0.0": 768, "1.0": 768}}


def _order(drift: float) -> int:
    """Return how many of 196 rows of a position table are found again."""
    generator = np.random.default_rng(0)
    table, order = generator.normal(size=(196, 192)), generator.permutation(196)
    moved = table[order] + drift * generator.normal(size=table.shape)
    return int((match_rows([moved], [table]).order == order).sum())


def _orthogonal(plain: Bytes, public: Bytes, drift: float, filters: str) -> Row:
    """Decrypt with an orthogonal key from a kernel that drifted."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(384, 192))
    if filters == "smooth":
        rows = rows @ np.linalg.cholesky(smooth_prior(side=8, channels=3).covariance).T
    tuned = rows + drift * rows.std() * generator.normal(size=rows.shape)
    turn = np.linalg.qr(generator.normal(size=(192, 192)))[0]
    shown = join_blocks(split_blocks(plain, block=(8, 8)) @ turn.T, shape=(32, 32, 3), block=(8, 8))
    made = [PatchEmbedding(kernel=one, bias=np.zeros(384), side=8, channels=3) for one in (tuned @ turn.T, rows)]
    prior = public_prior(public, side=8)
    key = recover_key(made[0], made[1], kind="orthogonal", prior=prior, ciphertexts=shown)
    noise = aes_noise(len(plain), (32, 32, 3)).astype(np.float64)
    row = {"ssim": _similar(key.decrypt(shown), plain), "ssim_control": _similar(key.decrypt(noise), plain)}
    return row if drift not in STUDY_DRIFT else {**row, "study": STUDY_DRIFT[drift]}


def _digits() -> tuple[Bytes, NDArray[np.int64]]:
    """Return the digits of scikit-learn at 32x32 in three channels, and their labels."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = np.repeat(np.repeat(data.images * 15, 4, axis=1), 4, axis=2)[..., None].repeat(3, axis=3)
    return np.rint(images).astype(np.uint8), data.target.astype(np.int64)


def _train(model: nn.Module, images: Bytes, labels: NDArray[np.int64], *, steps: int, rate: float) -> None:
    """Train a model in place."""
    import torch

    pixels, wanted = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1, torch.from_numpy(labels)
    stepper, generator = torch.optim.AdamW(model.parameters(), lr=rate), torch.Generator().manual_seed(0)
    model.train()
    for _ in range(steps):
        batch = torch.randint(len(images), (50,), generator=generator)
        stepper.zero_grad()
        torch.nn.functional.cross_entropy(model(pixels[batch]), wanted[batch]).backward()
        stepper.step()
    model.eval()


def _fine_tuned(plain: Bytes, public: Bytes) -> list[Row]:
    """Fine-tune, encrypt, and take the key with the weights from before."""
    images, labels = _digits()
    start, tuned, rows, before = _vit(width=64, size=32, patch=4), _vit(width=64, size=32, patch=4), [], 0
    base, first = base_tensors(start, image_size=32), start.patch_embed.proj.weight.detach()
    for steps in (0, 20, 100, 400):
        _train(tuned, images, labels, steps=steps - before, rate=1e-3)
        before, row = steps, {"steps": steps}
        moved = tuned.patch_embed.proj.weight.detach() - first
        row["drift"] = round(float(moved.norm() / first.norm()), 3)
        for scheme in ("vit-permutation", "vit-orthogonal"):
            evidence, _, _ = _held(
                tuned, plain, scheme=scheme, parameters={}, sight=HALF, block=4, base=base, public=public
            )
            row[f"ssim {scheme}"] = _similar(StemKey().run(evidence).images, plain)
        rows.append(row)
    return rows


def _april(plain: Bytes) -> Row:
    """Solve the gradients of single images, of a usual ViT of width 768 with 196 patches and 3 blocks."""
    import torch

    from pixelveil.models.outputs import normalize

    model, result = _vit(depth=3), {}
    base = base_tensors(model, image_size=224)
    for scheme in ("vit-permutation", "vit-orthogonal"):
        evidence, encrypted, _ = _held(model, plain, scheme=scheme, parameters={}, sight=IMAGENET)
        pixels = normalize(evidence.ciphertexts, like=encrypted.patch_embed.proj.weight, **IMAGENET)
        updates = [gradients_of(encrypted, one[None], torch.tensor([3])) for one in pixels]
        blind = April().run(replace(evidence, updates=updates)).images
        told = April().run(replace(evidence, updates=updates, base=base)).images
        shown = np.clip(np.rint(evidence.ciphertexts), 0, 255).astype(np.uint8)
        result[scheme] = {
            "ssim to the ciphertext": _similar(blind, shown),
            "ssim to the plain image": _similar(blind, plain),
            "ssim to the plain image, base known": _similar(told, plain),
            "study": [1.0, 0.028, 1.0],
        }
    return result


def _access() -> list[Row]:
    """Return accuracies with right and wrong keys."""
    images, labels = _digits()
    model = _vit(width=64, size=32, patch=8, global_pool="avg", class_token=False)
    _train(model, images[:1400], labels[:1400], steps=600, rate=2e-3)
    keys: Mapping[str, tuple[str, Row]] = {
        "permutation": ("vit-permutation", {"invert": False, "scramble_blocks": False}),
        "inversion": ("vit-permutation", {"shuffle": False, "scramble_blocks": False}),
        "orthogonal": ("vit-orthogonal", {"scramble_blocks": False}),
        "blocks only": ("vit-permutation", {"shuffle": False, "invert": False}),
        "permutation, inversion, blocks": ("vit-permutation", {}),
        "orthogonal, blocks": ("vit-orthogonal", {}),
    }
    rows = []
    for name, (scheme, parameters) in keys.items():
        made = create_scheme(scheme, block_size=8, **parameters)
        table = access_table(model, images[1400:], labels[1400:], scheme=made, **HALF)
        facts = {field: round(getattr(table, field), 3) for field in ("plain", "right", "renewed", "old")}
        rows.append({"key": name, **facts, "wrong": round(float(np.mean(table.wrong)), 3)})
        rows[-1] |= {"plain_images": round(table.plain_images, 3), "plain_model": round(table.plain_model, 3)}
        rows[-1]["chance"] = round(table.chance, 3)
    return rows
