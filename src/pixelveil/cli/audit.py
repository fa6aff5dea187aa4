"""Commands for audits: attack a scheme on one's own images, and put several audits side by side."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixelveil.cli.common import AssetOption, JsonOption, ParameterOption, emit, progress, scheme_from
from pixelveil.errors import RequirementError, UsageError

if TYPE_CHECKING:
    from pixelveil.audit import Audit, AuditSettings
    from pixelveil.audit.extra import ExtraMeasure
    from pixelveil.audit.models import Models

__all__ = ["audit", "build_app", "compare", "duration"]

_HELP = """Attack a scheme with everything that is known, on your own images, and write a report.

The report shows plain images of the data beside what attackers make of them: keep it as private as the data, or give
--no-pictures. Names of files never appear. Keys are made for the audit and thrown away; no key file is touched.

The same command again goes on where it was stopped. Exit code 5: a requirement was not met, or not decided.

Example: pixelveil audit --scheme skk -p key-policy=shared --data scans --out audit --require "any: verdict<SERIOUS"
"""

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}

SchemeOption = Annotated[str | None, typer.Option("--scheme", "-s", help="Scheme; list them with: pixelveil schemes.")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", "-d", help="Folder of plain images, in class folders or not; or an .npz of uint8 arrays."),
]
OutOption = Annotated[Path | None, typer.Option("--out", "-o", help="Folder for report.html, report.json and cells.")]
AttacksOption = Annotated[
    str, typer.Option("--attacks", help="Names of attacks, with commas between them.", show_default="all")
]
ImagesOption = Annotated[int, typer.Option("--images", help="Images that are read at most.", min=1)]
VictimsOption = Annotated[int, typer.Option("--victims", help="Of them, those that attackers are to read.", min=1)]
SizeOption = Annotated[
    int | None,
    typer.Option("--size", help="Side in pixels that images of a folder are brought to.", show_default="64", min=7),
]
BudgetOption = Annotated[str, typer.Option("--budget", help="Time for all attacks together, such as 90s, 10m, 1h.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Of the choice of images; it protects nothing.", min=0)]
LifetimeOption = Annotated[
    bool, typer.Option("--lifetime", help="Measure too how many images one key may encrypt before they are read.")
]
PicturesOption = Annotated[
    bool, typer.Option("--pictures/--no-pictures", help="Show plain images in the report, or leave all pictures out.")
]
ControlsOption = Annotated[
    Path | None,
    typer.Option("--controls", help="Folder of positive controls, to be shared by audits.", show_default="in --out"),
]
LpipsOption = Annotated[
    Path | None,
    typer.Option(
        "--lpips-weights", help="AlexNet's weights, safetensors: measure LPIPS too.", show_default="not measured"
    ),
]
_PUBLIC = "public"
ClassifierOption = Annotated[
    Path | None,
    typer.Option(
        "--classifier",
        help="Folder of a training run on plain images, or 'public' to train on the labeled public images: measure too "
        "what a classifier sees in reconstructions.",
        show_default="none",
    ),
]
ModelOption = Annotated[
    Path | None,
    typer.Option("--model", help="Your own plain checkpoint, encrypted for the audit.", show_default="a small ViT"),
]
BaseOption = Annotated[
    Path | None, typer.Option("--base", help="The public checkpoint that --model comes from.", show_default="none")
]
ArchitectureOption = Annotated[str | None, typer.Option("--arch", help="timm name.", show_default="from --model")]
RequireOption = Annotated[
    list[str] | None,
    typer.Option("--require", help='Such as "ciphertext-only: ssim<0.2" or "any: verdict<SERIOUS"; may be repeated.'),
]


def build_app() -> typer.Typer:
    """Return the group of commands."""
    app = typer.Typer(help=_HELP, invoke_without_command=True)
    app.callback()(audit)
    app.command()(compare)
    return app


def audit(
    context: typer.Context,
    scheme: SchemeOption = None,
    data: DataOption = None,
    out: OutOption = None,
    parameter: ParameterOption = None,
    asset: AssetOption = None,
    attacks: AttacksOption = "",
    images: ImagesOption = 2000,
    victims: VictimsOption = 200,
    size: SizeOption = None,
    budget: BudgetOption = "10m",
    seed: SeedOption = 0,
    lifetime: LifetimeOption = False,
    pictures: PicturesOption = True,
    require: RequireOption = None,
    controls: ControlsOption = None,
    lpips_weights: LpipsOption = None,
    classifier: ClassifierOption = None,
    model: ModelOption = None,
    base: BaseOption = None,
    arch: ArchitectureOption = None,
    as_json: JsonOption = False,
) -> None:
    """Attack a scheme on one's own images; the group's help says how."""
    if context.invoked_subcommand is not None:
        return
    if scheme is None or data is None or out is None:
        raise UsageError("an audit needs --scheme, --data and --out", hint="pixelveil audit --help")
    from pixelveil.audit import AuditSettings, parse_requirement, run_audit

    chosen = scheme_from(scheme, parameter, asset=asset)
    public = classifier == Path(_PUBLIC)
    settings = AuditSettings(
        attacks=tuple(name.strip() for name in attacks.split(",") if name.strip()),
        images=images,
        victims=victims,
        size=size,
        seconds=duration(budget),
        seed=seed,
        lifetime=lifetime,
        pictures=pictures,
        requirements=tuple(parse_requirement(text) for text in require or ()),
        controls=controls,
        public_classifier=public,
    )
    files = {"--asset": asset, "--lpips-weights": lpips_weights, "--classifier": classifier}
    files |= {"--model": model, "--base": base}
    words = _command(scheme, parameter, settings=settings, data=data, files=files, budget=budget)
    settings = replace(settings, command=words)
    extra = _extra(lpips_weights=lpips_weights, classifier=None if public else classifier)
    models = _models(model, base=base, arch=arch)
    found = run_audit(chosen, data=data, out=out, settings=settings, stage=progress, extra=extra, models=models)
    emit(_summary(found, out), as_json=as_json, text=lambda: _show(found, out))
    unmet = [one for one in found.answers if one.outcome != "met"]
    for one in unmet:
        typer.echo(f"{one.outcome}: {one.requirement}: {one.reason}", err=True)
    if unmet:
        raise RequirementError(f"{len(unmet)} of {len(found.answers)} requirements are not met")


def compare(
    folders: Annotated[list[Path], typer.Argument(help="Folders of finished audits.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="The page to write, such as schemes.html.")],
    as_json: JsonOption = False,
) -> None:
    """Put several audits side by side, on one page without pictures.

    Example: pixelveil audit compare audit-skk audit-le --out schemes.html
    """
    from pixelveil.atomic import write_atomic
    from pixelveil.audit import read_audit, render_comparison

    audits = [read_audit(folder) for folder in folders]
    page = render_comparison(audits)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(out, page.encode())
    result = {"page": str(out), "grades": {str(a): one.grade for a, one in zip(folders, audits, strict=True)}}

    def text() -> None:
        for folder, one in zip(folders, audits, strict=True):
            typer.echo(f"{folder}: {one.scheme['name']}: {one.grade}")
        typer.echo(f"Page: {out}")

    emit(result, as_json=as_json, text=text)


def duration(text: str) -> float:
    """Return a time in seconds.

    Args:
        text: Such as "90s", "10m", "1h", or a number of seconds.

    Raises:
        UsageError: It is none.

    >>> duration("10m")
    600.0
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text)
    if found is None or float(found[1]) == 0:
        raise UsageError(f"--budget {text!r} is no time", hint="such as 90s, 10m or 1h")
    return float(found[1]) * _UNITS[found[2]]


def _models(model: Path | None, *, base: Path | None, arch: str | None) -> Models | None:
    """Return the user's own model and its base, as `pixelveil model encrypt` reads checkpoints."""
    if model is None:
        if base is not None:
            raise UsageError("--base is the public checkpoint of a model", hint="give the model too: --model")
        return None
    from pixelveil.audit.models import models_of
    from pixelveil.cli.model_files import plain_model, plain_spec

    spec = plain_spec(model, arch=arch, num_classes=None, image_size=None, mean=None, std=None)
    return models_of(
        plain_model(model, spec),
        base=None if base is None else plain_model(base, spec),
        image_size=spec.image_size,
        mean=spec.mean,
        std=spec.std,
        files=[path for path in (model, base) if path is not None],
    )


def _command(
    scheme: str,
    parameter: list[str] | None,
    *,
    settings: AuditSettings,
    data: Path,
    files: Mapping[str, Path | None],
    budget: str,
) -> str:
    """Return the command for the record; of paths only the last part, for the rest is nobody's business."""
    words = ["pixelveil", "audit", "--scheme", scheme]
    for item in parameter or ():
        words += ["-p", item]
    for option, path in files.items():
        if path is not None:
            words += [option, path.name]
    words += ["--data", data.resolve().name, "--images", str(settings.images), "--victims", str(settings.victims)]
    if settings.size is not None:
        words += ["--size", str(settings.size)]
    if settings.attacks:
        words += ["--attacks", ",".join(settings.attacks)]
    words += ["--budget", budget, "--seed", str(settings.seed)]
    words += ["--lifetime"] * settings.lifetime + ["--no-pictures"] * (not settings.pictures)
    if settings.controls is not None:
        words += ["--controls", settings.controls.name]
    for one in settings.requirements:
        words += ["--require", one.text]
    return shlex.join([*words, "--out", "audit"])


def _extra(*, lpips_weights: Path | None, classifier: Path | None) -> list[ExtraMeasure]:
    """Return the measures whose files are given."""
    from pixelveil.audit.extra import lpips_measure, recognition_measure

    found = []
    if lpips_weights is not None:
        found.append(lpips_measure(lpips_weights))
    if classifier is not None:
        from pixelveil.training.models import find_checkpoint
        from pixelveil.training.plain_classifier import plain_classifier

        found.append(recognition_measure(plain_classifier(classifier), checkpoint=find_checkpoint(classifier)))
    return found


def _summary(found: Audit, out: Path) -> dict[str, Any]:
    """Return what is printed as JSON: the report without machine and cells' details."""
    content = found.to_json()
    rows = [
        {name: cell[name] for name in ("attack", "kind", "access", "images", "verdict", "criterion", "failed")}
        for cell in content.pop("cells")
    ]
    return {"report": str(out / "report.html"), **content, "cells": rows}


def _show(found: Audit, out: Path) -> None:
    """Print the threat models, the attacks and where the report is."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table(title=f"{found.scheme['name']}: {found.grade}", title_justify="left")
    for column in ("attacker has", "the scheme", "criterion"):
        table.add_column(column)
    for line in found.lines:
        told = f"{line.attack}: {line.criterion}" if line.attack else line.criterion
        table.add_row(line.access, line.status, escape(told))
    console.print(table)
    for warning in found.warnings:
        typer.echo(f"note: {warning}", err=True)
    for cell in found.cells:
        if cell.failed:
            typer.echo(f"note: {cell.name} failed: {cell.failed}", err=True)
    if found.scheme["legacy"]:
        typer.echo(f"Not a key: {found.scheme['legacy']}")
    for curve in found.curves:
        typer.echo(f"Key lifetime: {curve.advice}")
    for one in found.answers:
        if one.outcome == "met":
            typer.echo(f"met: {one.requirement}: {one.reason}")
    typer.echo(f"Report: {out / 'report.html'}")
