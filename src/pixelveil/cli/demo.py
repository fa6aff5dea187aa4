"""The command `demo`: the whole main job once, on real images, with a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pixelveil.cli.common import JsonOption, emit, progress

if TYPE_CHECKING:
    from pixelveil.demo.result import DemoResult

__all__ = ["demo"]

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        "-d",
        help="Your own class folders of images, perhaps inside train and test folders.",
        show_default="handwritten digits from scikit-learn",
    ),
]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder for report.html and result.json.")]
SchemeOption = Annotated[
    str, typer.Option("--scheme", "-s", help="Scheme shown first: vit-permutation or vit-orthogonal; both are run.")
]
SecondsOption = Annotated[
    float | None,
    typer.Option("--seconds", help="About how long it may take.", show_default="120, with --data 300", min=1),
]


def demo(
    data: DataOption = None,
    out: OutOption = Path("demo-report"),
    scheme: SchemeOption = "vit-permutation",
    seconds: SecondsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a small model, encrypt it and its images, compare all answers, and write a report.

    Nothing is downloaded. The report says who gets which accuracy with and without the key, how fast it is, what it
    protects, and what broke it. Accuracies are in percent.

    Example: pixelveil demo --data scans --seconds 300
    """
    from pixelveil.demo.job import run_demo

    result = run_demo(out=out, data=data, scheme=scheme, seconds=seconds, stage=progress)
    emit(result.to_json(), as_json=as_json, text=lambda: _show(result))


def _show(result: DemoResult) -> None:
    """Print a short table and where the report is."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{result.data.name}: {result.data.test:,} test images")
    table.add_column("accuracy in percent")
    for entry in result.schemes:
        table.add_column(entry.scheme, justify="right")
    rows = {
        "plain model, plain images": "plain_accuracy",
        "encrypted model, encrypted images": "encrypted_accuracy",
        "encrypted model, wrong key": "wrong_key_accuracy",
        "plain model, encrypted images": "plain_model_on_encrypted_accuracy",
        "encrypted model, plain images": "encrypted_model_on_plain_accuracy",
    }
    for name, field in rows.items():
        table.add_row(name, *(f"{getattr(entry, field):.1f}" for entry in result.schemes))
    table.add_row("always the largest class", *(f"{result.chance:.1f}" for _ in result.schemes), end_section=True)
    table.add_row("answers equal", *(f"{entry.predictions_equal} of {entry.images}" for entry in result.schemes))
    table.add_row("encryption, MB/s", *(f"{entry.encrypt_megabytes_per_second:,.0f}" for entry in result.schemes))
    Console().print(table)
    typer.echo("It hides images from people who see the files, not from a server that knows the plain model.")
    typer.echo(f"Report: {result.report}")
