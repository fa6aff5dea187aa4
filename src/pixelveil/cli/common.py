"""What all commands share: passphrases, keys, schemes, progress, results, errors."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixelveil.errors import PixelveilError, UsageError

if TYPE_CHECKING:
    from pixelveil.keys import Key
    from pixelveil.schemes import Scheme

__all__ = [
    "AssetOption",
    "JsonOption",
    "KeyOption",
    "ParameterOption",
    "PassphraseFileOption",
    "SchemeOption",
    "emit",
    "open_key",
    "parameters_from",
    "printable",
    "progress",
    "read_passphrase",
    "report_error",
    "scheme_from",
]

PASSPHRASE_VARIABLE = "PIXELVEIL_PASSPHRASE"  # noqa: S105 - the name of a variable

# Beyond that are numbers and nested lists that a parser of JSON gives up on.
_LONGEST_VALUE = 500
_MOST_BITS = 63

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
KeyOption = Annotated[Path, typer.Option("--key", "-k", help="Key file.")]
PassphraseFileOption = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help=f"File whose first line is the passphrase (or set {PASSPHRASE_VARIABLE})."),
]
SchemeOption = Annotated[str, typer.Option("--scheme", "-s", help="Scheme; list them with: pixelveil schemes.")]
ParameterOption = Annotated[
    list[str] | None, typer.Option("--parameter", "-p", help="Scheme parameter as name=value; may be repeated.")
]
AssetOption = Annotated[
    Path | None,
    typer.Option(
        "--asset", help="Asset of the scheme: a fitted basis, trained weights, donor images.", show_default=False
    ),
]


def read_passphrase(*, file: Path | None, confirm: bool = False) -> str:
    """Return the passphrase from a file, the environment, or the terminal, in this order."""
    if file is not None:
        try:
            if file.is_file() and file.stat().st_mode & 0o077:
                typer.echo(f"note: others can read {file}; make it yours alone: chmod 600 {file}", err=True)
            passphrase = file.read_text(encoding="utf-8").splitlines()[0]
        except (OSError, IndexError, UnicodeDecodeError) as error:
            raise UsageError(f"{file}: no passphrase can be read from it") from error
    elif PASSPHRASE_VARIABLE in os.environ:
        passphrase = os.environ[PASSPHRASE_VARIABLE]
    elif sys.stdin.isatty():
        passphrase = getpass.getpass("Passphrase: ")
        if confirm and getpass.getpass("Again: ") != passphrase:
            raise UsageError("the two passphrases differ")
    else:
        raise UsageError("no passphrase was given", hint=f"use --passphrase-file or set {PASSPHRASE_VARIABLE}")
    if not passphrase:
        raise UsageError("the passphrase is empty", hint="a key file is always sealed; choose a passphrase")
    return passphrase


def open_key(path: Path, *, passphrase_file: Path | None) -> Key:
    """Open a key file with the passphrase that the user gives."""
    from pixelveil.keys import Key

    return Key.load(path, passphrase=read_passphrase(file=passphrase_file))


def parameters_from(parameters: Sequence[str] | None) -> dict[str, Any]:
    """Return what ``--parameter name=value`` says, by name; values are JSON, else text.

    >>> parameters_from(["block-size=8", "shuffle=false", "order=post"])
    {'block_size': 8, 'shuffle': False, 'order': 'post'}
    """
    values: dict[str, Any] = {}
    for item in parameters or ():
        label, separator, text = item.partition("=")
        if not separator or not label:
            raise UsageError(f"--parameter {item!r} is not name=value")
        if len(text) > _LONGEST_VALUE:
            raise UsageError(f"--parameter {label}: no value is longer than {_LONGEST_VALUE} characters")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        if type(value) is int and value.bit_length() > _MOST_BITS:
            raise UsageError(f"--parameter {label}: no number is that large")
        values[label.replace("-", "_")] = value
    return values


def scheme_from(name: str, parameters: Sequence[str] | None, *, asset: Path | None = None) -> Scheme:
    """Build a scheme from ``--scheme``, ``--parameter`` and ``--asset``."""
    from pixelveil.schemes import create_scheme
    from pixelveil.schemes.asset import Asset

    values = parameters_from(parameters)
    if "asset" in values:
        raise UsageError("an asset is no parameter", hint="give its file: --asset FILE")
    if asset is None:
        return create_scheme(name, **values)
    scheme = create_scheme(name, asset=Asset.load(asset), **values)
    if scheme.legacy:
        typer.echo(f"note: {asset} is another program's material, not a key: it protects nothing", err=True)
    return scheme


def emit(result: Mapping[str, Any], *, as_json: bool, text: Callable[[], None]) -> None:
    """Print the result: as one JSON object on standard output, or by calling ``text``."""
    if as_json:
        typer.echo(json.dumps(result, indent=2, sort_keys=False))
    else:
        text()


@contextmanager
def progress(description: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on standard error; the block calls ``advance(done, total)``."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task(description, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield advance


def printable(text: str) -> str:
    r"""Return one line in which names that strangers chose cannot steer the terminal.

    >>> printable("a\x1b[2Jb\nc")
    'a\\x1b[2Jb\\nc'
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def report_error(error: PixelveilError) -> int:
    """Print one line (and a hint) on standard error; return the exit code of the error's class."""
    typer.echo(printable(f"pixelveil: {error.message}"), err=True)
    if error.hint:
        typer.echo(printable(f"hint: {error.hint}"), err=True)
    return error.exit_code
