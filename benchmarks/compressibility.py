"""How encrypted images survive JPEG, and floats 8 bits: ``python -m benchmarks.compressibility [--data DIR]``.

Each photograph is encrypted, written as JPEG, read, decrypted and compared with the photograph; the same for the plain
photograph at the same settings. Without ``--data``, the results go to benchmarks/results and docs/compressibility.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from pixelveil import Key, create_scheme
from pixelveil.atomic import write_atomic
from pixelveil.data.decode import decode_image
from pixelveil.data.discover import list_images
from pixelveil.data.manifest import Dtype
from pixelveil.data.quantize import dequantize, quantize
from pixelveil.data.storing import choose_storing
from pixelveil.data.writers import decode_stored, encode_stored
from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.machine import commit, machine, versions
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back, lay_out
from pixelveil.steps import BlockRotation, BlockScramble, ColorShuffle, NegativePositive

__all__ = ["block", "render", "run"]

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "compressibility.json"
PAGE = ROOT / "docs" / "compressibility.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->"

QUALITIES = (70, 75, 80, 85, 90, 95)
STEP_QUALITY, BLOCK = 90, 16
SIDE = 512  # photographs are cropped to at most this, in whole blocks, so that padding does not count

# Schemes, and the subsampling that each is written with; None is grayscale. Some of it the tool refuses, as it should.
CONTESTANTS: tuple[tuple[str, str | None], ...] = (
    ("etc-color", "4:4:4"),
    ("etc-color", "4:2:0"),
    ("etc-gray", None),
    ("vit-compressible", "4:4:4"),
    ("vit-compressible", "4:2:0"),
    ("vit-permutation", "4:4:4"),
    ("skk", "4:4:4"),
)

Image = NDArray[Any]
Change = Callable[[Image], Image]


def run(data: Path | None = None) -> dict[str, Any]:
    """Return bytes and PSNR of every contestant and of plain images, of each step alone, and of stored floats.

    Args:
        data: Folder of images; None: photographs that ship as PNG with scikit-image.
    """
    images = _photographs() if data is None else _folder(data)
    return {
        "images": {name: list(image.shape[:2]) for name, image in images.items()},
        "qualities": list(QUALITIES),
        "jpeg": [
            *(_plain(images, subsampling) for subsampling in ("4:4:4", "4:2:0", None)),
            *(_encrypted(images, name, subsampling) for name, subsampling in CONTESTANTS),
        ],
        "steps": _steps(images),
        "floats": _floats(images),
    }


def _photographs() -> dict[str, Image]:
    from skimage import data

    pictures = {name: getattr(data, name)() for name in ("astronaut", "chelsea", "coffee", "immunohistochemistry")}
    pictures["motorcycle"] = data.stereo_motorcycle()[0]
    return {name: _cropped(picture) for name, picture in pictures.items()}


def _folder(folder: Path) -> dict[str, Image]:
    return {source.path: _cropped(decode_image(folder / source.path)) for source in list_images(folder).sources}


def _cropped(image: Image) -> Image:
    """Return the center, at most SIDE pixels a side, in whole blocks."""
    height, width = (min(SIDE, side // BLOCK * BLOCK) for side in image.shape[:2])
    if not height or not width:
        raise UsageError(f"images must have at least {BLOCK} pixels a side")
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def _plain(images: Mapping[str, Image], subsampling: str | None) -> dict[str, Any]:
    """Return what JPEG does to plain images; without color, to their planes side by side."""
    change = _as_it_is if subsampling else _side_by_side
    return _record("plain", subsampling, "", _sweep(images, change, subsampling))


def _as_it_is(image: Image) -> tuple[Image, Change]:
    return image, lambda lossy: lossy


def _side_by_side(image: Image) -> tuple[Image, Change]:
    def back(lossy: Image) -> Image:
        planes: Image = lay_back(lossy[None], shape=image.shape, planes="side by side")[0]
        return planes

    return lay_out(image[None], block=8, planes="side by side")[0], back


def _encrypted(images: Mapping[str, Image], name: str, subsampling: str | None) -> dict[str, Any]:
    """Return what JPEG does to encrypted images that are decrypted after it, whether the tool allows it or not."""
    scheme = create_scheme(name)
    try:
        choose_storing(scheme, storage="jpeg", subsampling=subsampling)
        refusal = ""
    except UsageError as error:
        refusal = error.message

    def encrypt(image: Image) -> tuple[Image, Change]:
        key = Key.generate()  # one for each image, so that figures are means over keys too
        encrypted = scheme.encrypt(image[None], key=key)

        def decrypt(lossy: Image) -> Image:
            result: Image = scheme.decrypt(dataclasses.replace(encrypted, images=lossy[None]), key=key)[0]
            return result

        return encrypted.images[0], decrypt

    return _record(name, subsampling, refusal, _sweep(images, encrypt, subsampling))


def _record(name: str, subsampling: str | None, refusal: str, figures: dict[str, Any]) -> dict[str, Any]:
    return {"what": name, "subsampling": subsampling, "refused_by_the_tool": refusal, **figures}


def _sweep(
    images: Mapping[str, Image], change: Callable[[Image], tuple[Image, Change]], subsampling: str | None
) -> dict[str, Any]:
    """Return mean PSNR and sum of bytes at each quality, of changed images that are changed back after JPEG."""
    psnr: dict[str, list[float]] = {str(quality): [] for quality in QUALITIES}
    total = dict.fromkeys(psnr, 0)
    for image in images.values():
        changed, back = change(image)
        for quality in QUALITIES:
            lossy, size = _through_jpeg(changed, quality, subsampling)
            psnr[str(quality)].append(_psnr(back(lossy), image))
            total[str(quality)] += size
    return {"psnr": {quality: _mean(values) for quality, values in psnr.items()}, "bytes": total}


def _through_jpeg(image: Image, quality: int, subsampling: str | None) -> tuple[Image, int]:
    """Return what is left of an image after JPEG, and the bytes of the file."""
    content = bytes(encode_stored(image, storage="jpeg", quality=quality, subsampling=subsampling))
    return decode_stored(content, storage="jpeg", shape=image.shape, dtype="uint8"), len(content)


def _mean(decibels: Sequence[float]) -> float:
    return round(float(np.mean(decibels)), 2)


def _psnr(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return the peak signal-to-noise ratio in decibels, for a peak of 255."""
    error = float(np.mean(np.square(one.astype(np.float64) - other)))
    return float("inf") if error == 0 else 10 * float(np.log10(255**2 / error))


def _steps(images: Mapping[str, Image]) -> dict[str, Any]:
    """Return what each step of color EtC does alone to PSNR, at the edges of blocks and inside them, and to size."""
    steps: dict[str, Any] = {
        "nothing": None,
        "block scrambling": BlockScramble(block_size=BLOCK),
        "rotation and inversion": BlockRotation(block_size=BLOCK),
        "negative-positive": NegativePositive(scope="block", block_size=BLOCK),
        "color shuffling": ColorShuffle(block_size=BLOCK),
    }
    return {
        "quality": STEP_QUALITY,
        "steps": {
            name: {subsampling: _step(images, step, subsampling) for subsampling in ("4:4:4", "4:2:0")}
            for name, step in steps.items()
        },
    }


def _step(images: Mapping[str, Image], step: Any, subsampling: str) -> dict[str, Any]:
    found: dict[str, list[float]] = {"psnr": [], "psnr_at_edges": [], "psnr_inside": []}
    total = 0
    for image in images.values():
        changed, back = image, _as_it_is(image)[1]
        if step is not None:
            material = KeyMaterial.shared(Key.generate().active, scheme="00")
            plan = step.plan(material=material, role=step.name, shape=image.shape)
            changed, back = plan.apply(image), plan.invert().apply
        lossy, size = _through_jpeg(changed, STEP_QUALITY, subsampling)
        again, edge = back(lossy), _edges(image)
        for values, where in zip(found.values(), (np.ones_like(edge), edge, ~edge), strict=True):
            values.append(_psnr(again[where], image[where]))
        total += size
    return {**{name: _mean(values) for name, values in found.items()}, "bytes": total}


def _edges(image: Image) -> NDArray[np.bool_]:
    """Return where the outermost pixels of blocks are."""
    rows, columns = (np.arange(side) % BLOCK for side in image.shape[:2])
    outer = (0, BLOCK - 1)
    return np.isin(rows, outer)[:, None] | np.isin(columns, outer)[None]


def _floats(images: Mapping[str, Image]) -> dict[str, Any]:
    """Return PSNR after decryption of vit-orthogonal images that were stored in several types, before rounding."""
    scheme: Scheme = create_scheme("vit-orthogonal")

    def scaled(values: Image) -> Image:
        stored, unit, zero = quantize(values)
        return dequantize(stored, unit=unit, zero=zero)

    # What is subtracted from grey levels before mixing (by the scheme itself nothing), and how the result is stored.
    ways: dict[str, tuple[float, Change]] = {
        "float16": (0, lambda values: values.astype(np.float16).astype(np.float32)),
        "scaled8": (0, scaled),
        "scaled8, grey levels centered on 0 before mixing": (127.5, scaled),
        "8 bits, clipped to 0..255": (0, lambda values: np.clip(np.rint(values), 0, 255).astype(np.float32)),
    }
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
    for image in images.values():
        plan: Any = scheme.plan(key=Key.generate(), shape=image.shape)
        for name, (center, store) in ways.items():
            values = plan.apply(image[None].astype(np.float32) - center)
            back = plan.invert().apply(store(values))[0] + center
            rounded = np.clip(np.rint(back), 0, 255)
            equal = float(np.mean(rounded == image))
            found[name].append((_psnr(back, image), float(np.abs(rounded - image).max()), equal))
    return {
        name: {
            "psnr": round(float(np.mean([psnr for psnr, _, _ in rows])), 1),
            "largest_error_after_rounding": max(largest for _, largest, _ in rows),
            "share_of_equal_values": round(float(np.mean([equal for *_, equal in rows])), 4),
        }
        for name, rows in found.items()
    }


def render(record: Mapping[str, Any] | None = None) -> str:
    """Return the tables as Markdown, every figure of them from the committed results."""
    record = record or json.loads(RESULTS.read_text(encoding="utf-8"))
    results = record["results"]
    rows = {(row["what"], row["subsampling"]): row for row in results["jpeg"]}
    qualities = [str(quality) for quality in results["qualities"]]
    head = ["| JPEG quality | " + " | ".join(qualities) + " |", "|---" * (len(qualities) + 1) + "|"]
    psnr, size = [*head], [*head]
    for (what, subsampling), row in rows.items():
        base = rows["plain", subsampling or "4:4:4"]["bytes"]
        label = f"{what}, {subsampling}" if subsampling else f"{what}, gray planes"
        label += " (refused)" if row["refused_by_the_tool"] else ""
        psnr.append(f"| {label} | " + " | ".join(f"{row['psnr'][one]:.1f}" for one in qualities) + " |")
        size.append(f"| {label} | " + " | ".join(f"{row['bytes'][one] / base[one]:.2f}" for one in qualities) + " |")
    names = ", ".join(f"{name} ({width}x{height})" for name, (height, width) in results["images"].items())
    return "\n".join(
        [
            "PSNR in dB of decrypted images against the originals, mean over images:",
            "",
            *psnr,
            "",
            "File size as a multiple of the plain image's at the same quality and subsampling (gray planes: of 4:4:4):",
            "",
            *size,
            "",
            *_step_lines(results["steps"]),
            "",
            *_float_lines(results["floats"]),
            "",
            f"Images: {names}. Pillow {record['versions']['pillow']}, commit `{record['commit']}`; all figures are in "
            "`benchmarks/results/compressibility.json`.",
            "",
        ]
    )


def _step_lines(results: Mapping[str, Any]) -> list[str]:
    plain = results["steps"]["nothing"]
    lines = [
        f"Each step of color EtC alone (blocks of {BLOCK} pixels, quality {results['quality']}): change of PSNR in dB "
        "against the plain image at the same settings; the edge of a block is its outermost ring of pixels:",
        "",
        "| step | 4:4:4 | 4:2:0 | 4:2:0, edges of blocks | 4:2:0, inside blocks |",
        "|---|---|---|---|---|",
    ]
    columns = (("4:4:4", "psnr"), ("4:2:0", "psnr"), ("4:2:0", "psnr_at_edges"), ("4:2:0", "psnr_inside"))
    for name, step in results["steps"].items():
        if name != "nothing":
            cells = [f"{step[kind][figure] - plain[kind][figure]:+.1f}" for kind, figure in columns]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _float_lines(results: Mapping[str, Any]) -> list[str]:
    lines = [
        "vit-orthogonal, decrypted from what was stored (PSNR before rounding to whole grey levels):",
        "",
        "| stored as | PSNR | values that are equal after rounding | largest error after rounding |",
        "|---|---|---|---|",
    ]
    for name, row in results.items():
        label = f"`{name}`" if name in get_args(Dtype) else f"{name} (not done here)"
        lines.append(
            f"| {label} | {row['psnr']:.1f} dB | {100 * row['share_of_equal_values']:.1f} % | "
            f"{row['largest_error_after_rounding']:.0f} |"
        )
    return lines


def block(page: str) -> str:
    """Return what stands between the marks of a page."""
    return page.split(BEGIN)[1].split(END)[0]


def main() -> None:
    """Measure, then print the results; without a folder of one's own, keep them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of images; results are only printed then")
    data = parser.parse_args().data
    start = time.perf_counter()
    results = run(data)
    record = {
        "suite": "compressibility",
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        "seconds": round(time.perf_counter() - start, 1),
        "results": results,
    }
    if data is None:
        write_atomic(RESULTS, (json.dumps(record, indent=2) + "\n").encode())
        text = PAGE.read_text(encoding="utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        write_atomic(PAGE, f"{before}{BEGIN}{render(record)}{END}{after}".encode())
    print(render(record))


if __name__ == "__main__":
    main()
