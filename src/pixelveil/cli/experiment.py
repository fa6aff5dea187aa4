"""Commands for the published tables: run an experiment, show its table, get its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pixelveil.cli.common import JsonOption, emit, progress

__all__ = ["build_app"]

NameArgument = Annotated[
    str, typer.Argument(help="Name of an experiment, or the path of its TOML file.", show_default=False)
]
SetArgument = Annotated[str, typer.Argument(help="Name of a data set.", show_default=False)]
FolderArgument = Annotated[Path, typer.Argument(help="Where it shall lie.", show_default=False)]
DataOption = Annotated[
    Path, typer.Option("--data", "-d", help="The data set: npz, class folders, or the folder above.")
]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder for the results of all experiments.")]
QuickOption = Annotated[
    bool, typer.Option("--quick", help="Fewer images and epochs: minutes, to see that it works. Kept apart.")
]
CellsOption = Annotated[
    str | None, typer.Option("--cells", help="Names of cells, with commas between.", show_default="all")
]
GroupsOption = Annotated[
    Path | None,
    typer.Option(
        "--groups",
        help="CSV that tells copies of one picture: file, and dup_group, source or group.",
        show_default=False,
    ),
]
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        "--weights", help="Folder of the public weights that cells begin with.", show_default="that of --data"
    ),
]
MarkdownOption = Annotated[bool, typer.Option("--markdown", help="Print Markdown.")]

_RESULTS = Path("experiments") / "results"
_DATA = Path("data")


def build_app() -> typer.Typer:
    """Return the command group ``pixelveil experiment``."""
    app = typer.Typer(no_args_is_help=True, help="Rebuild published tables on real data: published and measured.")
    app.command("run")(run)
    app.command("table")(table)
    app.command("fetch")(fetch)
    return app


def run(
    name: NameArgument,
    data: DataOption = _DATA,
    quick: QuickOption = False,
    cells: CellsOption = None,
    out: OutOption = _RESULTS,
    groups: GroupsOption = None,
    weights: WeightsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the cells of an experiment that have no result yet, and print its table; after a kill run it again.

    No training image is a copy of a test image, unless a cell says that it is the published split. Accuracies are in
    percent, on test images that chose nothing.

    Example: pixelveil experiment run cifar10-resnet20 --quick --data cifar10.npz
    """
    from pixelveil.training.experiment import find_experiment, load_experiment
    from pixelveil.training.experiment_run import run_experiment

    experiment = load_experiment(find_experiment(name), quick=quick)
    chosen = tuple(filter(None, (one.strip() for one in (cells or "").split(","))))
    results = run_experiment(
        experiment,
        data=data,
        out=out,
        stage=lambda title: progress(title, quiet=as_json),
        names=chosen,
        groups=groups,
        weights=weights,
    )
    emit(
        {"experiment": experiment.name, "quick": quick, "cells": results},
        as_json=as_json,
        text=lambda: _show(experiment.title, results, quick=quick),
    )


def table(
    name: NameArgument,
    out: OutOption = _RESULTS,
    quick: QuickOption = False,
    markdown: MarkdownOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print the table of an experiment from the results that are there.

    Example: pixelveil experiment table cifar10-resnet20 --markdown
    """
    from pixelveil.training.experiment import find_experiment, load_experiment
    from pixelveil.training.experiment_run import result_folder
    from pixelveil.training.experiment_table import markdown_table, read_results

    experiment = load_experiment(find_experiment(name), quick=quick)
    folder = result_folder(out, name=experiment.name, quick=quick)
    results = read_results(folder, order=[cell.name for cell in experiment.cells])

    def text() -> None:
        if markdown:
            typer.echo(markdown_table(results))
        else:
            _show(experiment.title, results, quick=quick)

    emit({"experiment": experiment.name, "quick": quick, "cells": results}, as_json=as_json, text=text)


def fetch(name: SetArgument, folder: FolderArgument) -> None:
    """Download an official data set through torchvision, which checks it, and write it as one npz.

    Example: pixelveil experiment fetch cifar10 data
    """
    from pixelveil.data.sets.official import fetch_set

    typer.echo(fetch_set(name, folder=folder))


def _show(title: str, results: Sequence[Mapping[str, Any]], *, quick: bool) -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    from pixelveil.training.experiment_table import SHORT_HEAD, short_rows

    shown = Table(title=f"{title}{' (quick run: no result to compare)' if quick else ''}")
    for label in SHORT_HEAD:
        left = label == "cell"
        shown.add_column(label, justify="left" if left else "right", no_wrap=not left, overflow="fold")
    for cells in short_rows(results):
        shown.add_row(*cells)
    Console().print(shown)
    typer.echo("Accuracy on test images, in percent. Splits, answers and reasons: experiment table NAME --markdown")
