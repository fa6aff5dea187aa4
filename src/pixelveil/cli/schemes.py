"""Commands for the catalogue: list the schemes, show one with what breaks it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pixelveil.cli.common import JsonOption, ParameterOption, emit, scheme_from
from pixelveil.errors import UsageError

__all__ = ["build_app", "list_all", "show"]

NameArgument = Annotated[str, typer.Argument(help="Name of a scheme.", show_default=False)]
SizeOption = Annotated[str, typer.Option("--size", help="Image size that the key space is told for.")]


def build_app() -> typer.Typer:
    """Return the group of commands."""
    app = typer.Typer(
        help="What each scheme does and what breaks it.\n\nExample: pixelveil schemes show vit-permutation",
        invoke_without_command=True,
    )
    app.callback()(list_all)
    app.command()(show)
    return app


def list_all(context: typer.Context, as_json: JsonOption = False) -> None:
    """List all schemes.

    Example: pixelveil schemes
    """
    if context.invoked_subcommand is not None:
        return
    from rich.console import Console
    from rich.table import Column, Table

    from pixelveil.schemes import list_schemes

    rows = [describe(name, None, (224, 224, 3)) for name in list_schemes()]

    def text() -> None:
        table = Table(
            "scheme", Column("what it does", overflow="fold"), "key policy", "output", "read by an attack from"
        )
        for row in rows:
            images = row["readable_from"]
            known = "-" if images is None else f"{images} image{'s' if images > 1 else ''}"
            table.add_row(row["name"], row["title"], row["key_policy"], row["output_dtype"], known)
        Console().print(table)
        typer.echo("One of them in full: pixelveil schemes show NAME")

    emit({"schemes": rows}, as_json=as_json, text=text)


def show(
    name: NameArgument, parameter: ParameterOption = None, size: SizeOption = "224x224", as_json: JsonOption = False
) -> None:
    """Show one scheme: steps, parameters, key space, known attacks, source.

    Example: pixelveil schemes show vit-permutation --size 224x224
    """
    height, _, width = size.partition("x")
    if not (height.isdigit() and width.isdigit()):
        raise UsageError(f"--size {size!r} is not HEIGHTxWIDTH")
    facts = describe(name, parameter, (int(height), int(width), 3))

    def text() -> None:
        typer.echo(f"{facts['name']}: {facts['title']}\n")
        for number, step in enumerate(facts["steps"], start=1):
            typer.echo(f"  {number}. {step['name']}: {step['key_bits']:,.1f} bits of key")
        typer.echo(f"\nKey space at {size}: {facts['key_bits']:,.1f} bits (nominal; never the security level)")
        typer.echo(f"Parameters: {', '.join(f'{key}={value}' for key, value in facts['parameters'].items())}")
        typer.echo(f"Reversible: {'yes' if facts['reversible'] else 'no'}; output: {facts['output_dtype']}")
        typer.echo("\nKnown attacks:")
        for attack in facts["known_attacks"]:
            typer.echo(f"  - {attack}")
        typer.echo(f"\nSource: {facts['citation']}")

    emit(facts, as_json=as_json, text=text)


def describe(name: str, parameters: list[str] | None, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Return the facts of a scheme as JSON values.

    Args:
        name: Its name.
        parameters: As name=value.
        shape: (H, W, C) of the images that the key space is told for.
    """
    scheme = scheme_from(name, parameters)
    padded = scheme.encrypted_shape(shape)
    return {
        "name": scheme.name,
        "title": scheme.title,
        "parameters": scheme.parameters,
        "key_policy": scheme.key_policy,
        "digest": scheme.digest,
        "steps": [{"name": step.name, "key_bits": step.key_bits(shape=padded)} for step in scheme.steps()],
        "key_bits": scheme.key_bits(shape),
        "image_size": list(shape[:2]),
        "reversible": scheme.reversible,
        "output_dtype": scheme.output_dtype,
        "readable_from": scheme.readable_from,
        "known_attacks": list(scheme.known_attacks),
        "citation": scheme.citation,
    }
