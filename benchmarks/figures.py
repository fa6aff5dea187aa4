"""Write the README's figures from the committed results: ``python -m benchmarks.figures``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pixelveil.atomic import write_atomic

__all__ = ["block", "render"]

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->"


def render() -> str:
    """Return the figures as Markdown, every one of them from a file in benchmarks/results."""
    return "\n".join([*_demo_lines(), "", *_speed_lines(), "", *_model_lines(), ""])


def block(readme: str) -> str:
    """Return what stands between the marks of a README."""
    return readme.split(BEGIN)[1].split(END)[0]


def main() -> None:
    """Put the figures into the README."""
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    write_atomic(path, f"{before}{BEGIN}{render()}{END}{after}".encode())


def _load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return content


def _demo_lines() -> list[str]:
    rows = [
        "| model and images (accuracy, %) | handwritten digits | brain MRI, 4 classes |",
        "|---|---|---|",
    ]
    results = [_load("demo-digits"), _load("demo-brain-mri")]
    for label, key in (
        ("plain model, plain images", "plain_accuracy"),
        ("**encrypted model, encrypted images**", "encrypted_accuracy"),
        ("encrypted model, wrong key", "wrong_key_accuracy"),
        ("plain model, encrypted images", "plain_model_on_encrypted_accuracy"),
        ("always the largest class", "chance"),
    ):
        rows.append(f"| {label} | " + " | ".join(f"{result[key]:.1f}" for result in results) + " |")
    digits, brain = results
    largest = max(result["max_logit_difference"] for result in results)
    return [
        *rows,
        "",
        f"Same answer image by image: {digits['predictions_equal']} digits, {brain['predictions_equal']} brain images; "
        f"largest difference of any logit {largest:.1e} (float32).",
        "",
        f"Brain MRI: {brain['data']['moved']} test images with a near copy in the training set were set aside (with "
        f"them: {brain['data']['given_test_accuracy']:.1f} %). The small model was chosen with a look at these test "
        "images, so take its accuracy as an example; what is claimed is that encryption does not change it. With a "
        "wrong key the model answers nearly always the same class, which may be a rare one.",
    ]


def _speed_lines() -> list[str]:
    results = _load("kernels")["results"]
    rows = ["| gigabytes of image a second, one core | 32x32 | 224x224 |", "|---|---|---|"]
    columns = [results["32x32, 1 core"], results["224x224, 1 core"]]
    for name in columns[0]:
        values = [f"{column[name]['median_gigabytes_per_second']:.2f}" for column in columns]
        rows.append(f"| {name} | {' | '.join(values)} |")
    return rows


def _model_lines() -> list[str]:
    models, folders, kernels = _load("models")["results"], _load("folders")["results"], _load("kernels")
    shares = {size: row["vit-permutation to npy shards"]["share_of_decoding"] for size, row in folders["sizes"].items()}
    told = " and ".join(f"{100 * share:.0f} % for files of {size}" for size, share in shares.items())
    speed = 100 * models["encrypted_to_plain_speed"]
    rekey, swap = models["rekey_milliseconds"] / 1e3, models["swap_stem_milliseconds"]
    return [
        f"An encrypted {models['model']} runs at {speed:.1f} % of the plain one's speed; its stem of "
        f"{models['stem_megabytes']} MB is re-keyed in {rekey:.2f} s and swapped in {swap} ms.",
        "",
        f"Encrypting a folder of JPEG files to shards of 224x224, against only decoding them: {told}.",
        "",
        f"Machine: {kernels['machine']['processor']}, {kernels['machine']['cores']} cores. Every figure is in "
        "`benchmarks/results/`, with versions and commit; `make bench` and `pixelveil demo --json` make them again.",
    ]


if __name__ == "__main__":
    main()
