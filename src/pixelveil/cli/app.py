"""The command `pixelveil`: all command groups in one program, errors as one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from pixelveil.cli import audit, data, demo, experiment, keys, model, schemes, train
from pixelveil.cli.common import report_error
from pixelveil.errors import PixelveilError

__all__ = ["build_app", "main"]

_HELP = """Encrypt images so that people cannot see them and neural networks still can.

Begin with: pixelveil demo. Keys: keygen, inspect, rotate. Images: encrypt, decrypt, verify. Models: train, evaluate,
predict, model. What each scheme does and what breaks it: schemes. What attackers make of your own images: audit.
Published tables beside measured ones: experiment.

This is visual protection, not encryption in the cryptographic sense; SECURITY.md says what that means.

Exit codes: 0 done, 1 a bug, 2 wrong usage, 3 bad input (the rest was done), 4 key or integrity,
5 an audit's requirement is not met.
"""


def build_app() -> typer.Typer:
    """Return the program with all its commands."""
    app = typer.Typer(name="pixelveil", help=_HELP, no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(_options)
    commands: list[Callable[..., None]] = [keys.keygen, keys.inspect, keys.rotate]
    commands += [data.encrypt, data.decrypt, data.verify, train.train, train.evaluate, train.predict, demo.demo]
    for command in commands:
        app.command()(command)
    app.add_typer(model.build_app(), name="model")
    app.add_typer(schemes.build_app(), name="schemes")
    app.add_typer(audit.build_app(), name="audit")
    app.add_typer(experiment.build_app(), name="experiment")
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run the program and exit: one line on standard error for everything that goes wrong.

    Args:
        arguments: Command line without the program's name; None: that of the process.

    Raises:
        SystemExit: Always, with the exit code.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if "--debug" in words:
        build_app()(args=[word for word in words if word != "--debug"])
    sys.exit(_run(words))


def _run(words: list[str]) -> int:
    """Run one command and return its exit code; typer itself reports errors of the command line."""
    try:
        build_app()(args=words)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except PixelveilError as error:
        return report_error(error)
    except KeyboardInterrupt:
        typer.echo("pixelveil: interrupted; run the same command again to go on", err=True)
        return 130
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        typer.echo(f"pixelveil: {place}{error.strerror or error}", err=True)
        return 3
    except Exception as error:  # noqa: BLE001 - the last line of defense: no traceback reaches a user
        typer.echo(f"pixelveil: unexpected {type(error).__name__}: {error}", err=True)
        typer.echo("hint: this is a bug; run again with --debug and report what it prints", err=True)
        return 1
    return 0


def _print_version(wanted: bool) -> None:
    if wanted:
        from pixelveil import __version__

        typer.echo(f"pixelveil {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Take the options of the program itself, which act before any command."""
    del version, debug


if __name__ == "__main__":
    main()
