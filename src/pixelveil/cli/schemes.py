"""Commands for the catalogue: list the schemes, show one with what breaks it, make an asset for one."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from pixelveil.cli.common import JsonOption, ParameterOption, emit, scheme_from
from pixelveil.cli.fit import fit
from pixelveil.cli.legacy import import_key
from pixelveil.errors import UsageError

if TYPE_CHECKING:
    from pixelveil.schemes import Scheme

__all__ = ["build_app", "list_all", "show"]

# Digits of a side: no image has a million rows.
_LONGEST_SIDE = 6

NameArgument = Annotated[str, typer.Argument(help="Name of a scheme.", show_default=False)]
SizeOption = Annotated[str, typer.Option("--size", help="Image size that the key space is told for.")]

_FAMILIES = {
    "pixel": "pixel by pixel",
    "block": "block by block",
    "vit": "block by block, for Vision Transformers",
    "filtered": "filtered",
    "matrix": "matrix decomposition",
    "learned": "learned networks",
    "mixing": "mixing and masking",
    "decrepit": "BROKEN IN PUBLIC: to compare with, never to use",
    "baseline": "baselines",
}


def build_app() -> typer.Typer:
    """Return the group of commands."""
    app = typer.Typer(
        help="What each scheme does and what breaks it.\n\nExample: pixelveil schemes show vit-permutation",
        invoke_without_command=True,
    )
    app.callback()(list_all)
    app.command()(show)
    app.command()(fit)
    app.command()(import_key)
    return app


def list_all(context: typer.Context, as_json: JsonOption = False) -> None:
    """List all schemes, by family.

    Example: pixelveil schemes
    """
    if context.invoked_subcommand is not None:
        return
    from rich.console import Console
    from rich.table import Column, Table

    from pixelveil.schemes import list_schemes
    from pixelveil.schemes.scheme import Family

    rows = [describe(name, None, (224, 224, 3)) for name in list_schemes()]

    def text() -> None:
        table = Table(
            Column("scheme", no_wrap=True),
            Column("what it does", overflow="fold"),
            "key policy",
            "read by an attack from",
        )
        by_family = sorted(rows, key=lambda row: get_args(Family).index(row["family"]))
        for family, members in groupby(by_family, key=lambda row: row["family"]):
            table.add_section()
            table.add_row("", f"[bold]{_FAMILIES[family]}[/bold]")
            for row in members:
                images = row["readable_from"]
                known = "-" if images is None else f"{images:,} image{'s' if images > 1 else ''}"
                needs = f"; needs its {row['asset_kinds'][0]}" if row["needs_asset"] else ""
                table.add_row(row["name"], row["title"] + needs, row["key_policy"], known)
        Console().print(table)
        typer.echo("One of them in full: pixelveil schemes show NAME")
        typer.echo("What one needs beside a key: pixelveil schemes fit NAME --data DIR --out FILE")

    emit({"schemes": rows}, as_json=as_json, text=text)


def show(
    name: NameArgument, parameter: ParameterOption = None, size: SizeOption = "224x224", as_json: JsonOption = False
) -> None:
    """Show one scheme: steps, parameters, key space, what it protects and exposes, known attacks, source.

    Example: pixelveil schemes show vit-permutation --size 224x224
    """
    height, _, width = size.partition("x")
    if not all(side.isdecimal() and len(side) <= _LONGEST_SIDE and int(side) for side in (height, width)):
        raise UsageError(f"--size {size!r} is not HEIGHTxWIDTH")
    facts = describe(name, parameter, (int(height), int(width), 3))

    def text() -> None:
        typer.echo(f"{facts['name']}: {facts['title']}")
        typer.echo(f"Family: {_FAMILIES[facts['family']]}\n")
        for number, step in enumerate(facts["steps"], start=1):
            typer.echo(f"  {number}. {step['name']}: {step['key_bits']:,.1f} bits of key")
        typer.echo(f"\nKey space at {size}: {facts['key_bits']:,.1f} bits (nominal; never the security level)")
        typer.echo(f"Parameters: {', '.join(f'{key}={value}' for key, value in facts['parameters'].items())}")
        typer.echo(f"Key policies: {', '.join(facts['policies'])}; two encryptions of an image are {_relation(facts)}")
        typer.echo(f"Sizes: {facts['sizes']}")
        tall, wide, channels = facts["encrypted_size"]
        reversible = "can be decrypted with the key" if facts["reversible"] else "nobody can decrypt"
        typer.echo(f"Output: {facts['output_dtype']}, {tall}x{wide}x{channels} at {size}; {reversible}")
        typer.echo(f"JPEG: {facts['jpeg_obstacle'] or 'encrypted images survive it as plain ones do'}")
        if facts["asset_kinds"]:
            takes = "needs" if facts["needs_asset"] else "can take"
            typer.echo(f"Asset: {takes} {' or '.join(facts['asset_kinds'])}")
        typer.echo(f"\nProtects: {facts['protects']}")
        typer.echo(f"Exposes: {facts['exposes']}")
        typer.echo("\nKnown attacks:")
        for attack in facts["known_attacks"]:
            typer.echo(f"  - {attack}")
        if facts["published"]:
            typer.echo("\nPublished accuracy:")
        for one in facts["published"]:
            of = "" if one["plain"] is None else f" of {one['plain']:.2f} % on plain images"
            note = f"; {one['note']}" if one["note"] else ""
            typer.echo(f"  {one['dataset']}, {one['network']}: {one['encrypted']:.2f} %{of} ({one['source']}{note})")
        typer.echo(f"\nSource: {facts['citation']}")

    emit(facts, as_json=as_json, text=text)


def describe(name: str, parameters: list[str] | None, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Return the facts of a scheme as JSON values.

    Args:
        name: Its name.
        parameters: As name=value.
        shape: (H, W, C) of the images that the key space is told for.
    """
    from pixelveil.schemes.published import PUBLISHED
    from pixelveil.steps import shape_after

    scheme = scheme_from(name, parameters)
    steps, size = [], scheme.laid_out_shape(shape)
    for step in scheme.steps_for(size):
        steps.append({"name": step.name, "key_bits": step.key_bits(shape=size)})
        size = shape_after(step, size)
    return {
        "name": scheme.name,
        "title": scheme.title,
        "family": scheme.family,
        "parameters": scheme.parameters,
        "key_policy": scheme.key_policy,
        "policies": list(scheme.policies),
        "randomized": scheme.randomized,
        "digest": scheme.digest,
        "steps": steps,
        "key_bits": scheme.key_bits(shape),
        "image_size": list(shape[:2]),
        "encrypted_size": list(size),
        "sizes": scheme.sizes,
        "planes": scheme.planes,
        "reversible": scheme.reversible,
        "output_dtype": scheme.output_dtype,
        "jpeg_obstacle": _jpeg_obstacle(scheme),
        "asset_kinds": list(scheme.asset_kinds),
        "needs_asset": scheme.needs_asset,
        "protects": scheme.protects,
        "exposes": scheme.exposes,
        "readable_from": scheme.readable_from,
        "known_attacks": list(scheme.known_attacks),
        "published": [asdict(figure) for figure in PUBLISHED.get(name, ())],
        "citation": scheme.citation,
    }


def _jpeg_obstacle(scheme: Scheme) -> str:
    """Return why JPEG is refused with these parameters, empty where it is not: blocks may be too small for it."""
    from pixelveil.data.storing import choose_storing

    if scheme.jpeg_obstacle:
        return scheme.jpeg_obstacle
    try:
        choose_storing(scheme, storage="jpeg")
    except UsageError as error:
        return error.message
    return ""


def _relation(facts: dict[str, Any]) -> str:
    """Return whether two encryptions of an image are equal under the chosen policy."""
    if facts["randomized"] or facts["key_policy"] in ("derived", "ephemeral"):
        return "different"
    return "equal"
