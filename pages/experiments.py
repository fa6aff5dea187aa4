"""Write the page of all experiments from their committed results: ``python -m pages.experiments``."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pages.experiment_pictures import confusion_matrices, learning_curves, scatter
from pixelveil.atomic import write_atomic
from pixelveil.audit import read_audit
from pixelveil.training.experiment_table import markdown_table, read_results

__all__ = ["experiments_page", "leakage", "main", "pictures", "read_all"]

ROOT = Path(__file__).resolve().parents[1]
EXPERIMENTS = ROOT / "experiments"
RESULTS = EXPERIMENTS / "results"
PAGE = ROOT / "docs" / "experiments.md"
PICTURES = ROOT / "docs" / "pictures" / "experiments"
AUDITS = ROOT / "audits" / "cifar10"

Record = dict[str, Any]

_INTRODUCTION = """# Published tables, rebuilt

Each table says what was published, what was measured here, and the difference. Accuracies are in percent, on test
images that chose nothing: a share of the training images chooses the epoch. "clean split" means that no training image
has a copy or near copy among the test images; "published split" is as others use it, and says little where that is
noted. Columns "images" are training (with those that validate) / test. A key "per image" is new for every image,
those of the test set included, and nobody has it.

Rebuild one with `pixelveil experiment fetch cifar10 data`, `python -m benchmarks.public_weights resnet20 data` where it
begins with public weights, and `pixelveil experiment run NAME --data data`; after a kill the same command goes on.
`--quick` shows within minutes that it works; its figures are no result. Keys follow from the seed, so that who runs a
cell again has its images again (but for noise that no key decides, and where images are encrypted anew each epoch);
such keys protect nothing.
"""
_SCATTER = """## Accuracy and leakage

What a network learns and what an attacker reads, for each scheme on CIFAR-10 with ResNet-20: accuracy in percent, and
the highest mean SSIM that any attack of the [audits](audits.md) reached, whatever it holds. To the lower left little is
learned and little is read. A low SSIM proves nothing: it is what these attacks reached.

![Accuracy over leakage](pictures/experiments/accuracy-leakage.svg)"""


def read_all() -> dict[str, tuple[Record, list[Record]]]:
    """Return each experiment's file and its committed results, in the order of the names; quick runs are none."""
    found = {}
    for path in sorted(EXPERIMENTS.glob("*.toml")):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        folder = RESULTS / path.stem
        order = [cell["name"] for cell in content["cell"]]
        found[path.stem] = (content, read_results(folder, order=order) if any(folder.glob("*.json")) else [])
    return found


def experiments_page(experiments: dict[str, tuple[Record, list[Record]]], *, scattered: bool) -> str:
    """Return the page's text.

    Args:
        experiments: What `read_all` gives.
        scattered: Whether there is a picture of accuracy and leakage.
    """
    parts = [_INTRODUCTION.strip()]
    for name, (content, results) in experiments.items():
        parts += [f"## {content['title']}", content["note"].strip()]
        missing = [cell["name"] for cell in content["cell"] if cell["name"] not in {one["cell"] for one in results}]
        if results:
            parts += [markdown_table(results), _measured(name, results), *_shown(name, results)]
        if missing:
            parts.append(f"Not measured yet: {', '.join(missing)} (`pixelveil experiment run {name}`).")
    return "\n\n".join([*parts, *([_SCATTER] if scattered else [])]) + "\n"


def pictures(experiments: dict[str, tuple[Record, list[Record]]]) -> dict[str, str]:
    """Return the pictures of all experiments by name of file.

    Args:
        experiments: What `read_all` gives.
    """
    drawn: dict[str, str] = {}
    for name, (_, results) in experiments.items():
        if results:
            drawn[f"{name}-curves.svg"] = learning_curves(results)
            drawn[f"{name}-confusion.svg"] = confusion_matrices(results)
    if points := leakage(experiments.get("cifar10-resnet20", ({}, []))[1], audits=AUDITS):
        drawn["accuracy-leakage.svg"] = scatter(points)
    return {name: text for name, text in drawn.items() if text}


def leakage(results: Sequence[Record], *, audits: Path) -> list[tuple[str, float, float]]:
    """Return label, highest SSIM and accuracy of every scheme that was both trained on and attacked.

    Args:
        results: Of the experiment on CIFAR-10 with ResNet-20; of several cells of a scheme the best counts.
        audits: Folder of the audits on CIFAR-10.
    """
    accuracy: dict[tuple[str, bool], float] = {}
    for one in results:
        label = (one["scheme"], one["key_policy"] == "shared")
        accuracy[label] = max(one["accuracy"], accuracy.get(label, 0.0))
    read: dict[tuple[str, bool], float] = {}
    for report in sorted(audits.glob("*/report.json")):
        audit = read_audit(report.parent)
        scores = [cell.ssim.value for cell in audit.cells if cell.kind == "attack" and cell.ssim and cell.conclusive]
        label = (str(audit.scheme["name"]), audit.scheme["key_policy"] == "shared")
        if scores:
            read[label] = max(read.get(label, 0.0), *scores)
    points = [
        (f"{name}, {'one key' if shared else 'key per image'}", read[name, shared], accuracy[name, shared])
        for name, shared in accuracy
        if (name, shared) in read
    ]
    plain = accuracy.get(("plain", False))
    return points and ([("plain", 1.0, plain)] if plain is not None else []) + points


def _measured(name: str, results: Sequence[Record]) -> str:
    """Return on what, for how long, and how to do it again."""
    machines = sorted({_machine(one["machine"]) for one in results})
    commits = sorted({one["commit"] for one in results})
    hours = sum(one["seconds"] for one in results) / 3600
    left_out = max(one["split_facts"]["left_out"] for one in results)
    seen = max(one["split_facts"]["test_images_with_copies_as_given"] for one in results)
    return (
        f"{hours:.1f} hours on {'; '.join(machines)}; commits {', '.join(commits)}; seeds "
        f"{', '.join(sorted({str(one['seed']) for one in results}))}. As given, {seen:,} test images have copies among "
        f"the training images; {left_out:,} training images are left out of the clean split. "
        f"`pixelveil experiment run {name}`."
    )


def _machine(facts: Record) -> str:
    threads = facts["torch_threads"]
    return str(facts.get("graphics_processor") or f"{facts['processor']}, {threads} thread{'s' * (threads != 1)}")


def _shown(name: str, results: Sequence[Record]) -> list[str]:
    """Return links to the pictures that there are."""
    parts = []
    if learning_curves(results):
        parts.append(f"![Learning curves](pictures/experiments/{name}-curves.svg)")
    return [*parts, f"![Confusion matrices](pictures/experiments/{name}-confusion.svg)"]


def main() -> None:
    """Write the page and its pictures."""
    experiments = read_all()
    drawn = pictures(experiments)
    if drawn:
        PICTURES.mkdir(parents=True, exist_ok=True)
    for name, text in drawn.items():
        write_atomic(PICTURES / name, text.encode())
    write_atomic(PAGE, experiments_page(experiments, scattered="accuracy-leakage.svg" in drawn).encode())


if __name__ == "__main__":
    main()
