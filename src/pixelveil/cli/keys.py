"""Commands for key files: make one, look at one, open a new epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from pixelveil.cli.common import (
    JsonOption,
    ParameterOption,
    PassphraseFileOption,
    emit,
    open_key,
    printable,
    read_passphrase,
    scheme_from,
)
from pixelveil.errors import UsageError

__all__ = ["describe_key", "inspect", "keygen", "rotate"]

OutArgument = Annotated[Path, typer.Argument(help="Key file to make; must not exist.", show_default=False)]
KeyArgument = Annotated[Path, typer.Argument(help="Key file.", show_default=False)]
PathArgument = Annotated[Path, typer.Argument(help="Key file, folder of images or model.", show_default=False)]
NewBudgetOption = Annotated[
    int | None,
    typer.Option("--budget", help="Images that the epoch may encrypt.", show_default="the scheme's, or 10000"),
]
NextBudgetOption = Annotated[
    int | None,
    typer.Option("--budget", help="Images that the new epoch may encrypt.", show_default="the scheme's, or as before"),
]
ForSchemeOption = Annotated[
    str | None,
    typer.Option("--scheme", "-s", help="Scheme whose measured lifetime is the default budget.", show_default=False),
]


def keygen(
    out: OutArgument,
    budget: NewBudgetOption = None,
    scheme: ForSchemeOption = None,
    parameter: ParameterOption = None,
    passphrase_file: PassphraseFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new key file, sealed under a passphrase.

    The budget bounds how many images may be encrypted before the key has to be rotated: every image that is encrypted
    with a shared key tells an attacker a little about it. With --scheme it is what the strongest measured attack
    without known images leaves of this scheme, unless --budget says otherwise.

    Example: pixelveil keygen clinic.pvkey --budget 5000
    """
    from pixelveil.keys import DEFAULT_BUDGET, Key

    if out.exists():
        raise UsageError(f"{out}: exists already", hint="choose another name; a lost key is lost for ever")
    measured, why = _measured_budget(scheme, parameter, budget=budget)
    key = Key.generate(budget=measured or DEFAULT_BUDGET)
    key.save(out, passphrase=read_passphrase(file=passphrase_file, confirm=True))

    def text() -> None:
        typer.echo(f"Key file     {out}")
        typer.echo(f"Fingerprint  {key.fingerprint}")
        typer.echo(f"Budget       {key.remaining} images")
        if why:
            typer.echo(f"             {why}")
        typer.echo("Back up this file now, and its passphrase elsewhere: without both, nothing can be decrypted.")

    emit(
        {"key": str(out), "fingerprint": key.fingerprint, "epoch": key.active.number, "budget": key.active.budget}
        | ({"why": why} if why else {}),
        as_json=as_json,
        text=text,
    )


def rotate(
    key_file: KeyArgument,
    budget: NextBudgetOption = None,
    scheme: ForSchemeOption = None,
    parameter: ParameterOption = None,
    passphrase_file: PassphraseFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Retire the active epoch of a key file and open a new one, with a new secret and a full budget.

    What was encrypted before can still be decrypted with the same file.

    Example: pixelveil rotate clinic.pvkey --budget 5000
    """
    measured, why = _measured_budget(scheme, parameter, budget=budget)
    with open_key(key_file, passphrase_file=passphrase_file) as key:
        new = key.rotate(budget=measured)
        old = key.epochs[-2]

    def text() -> None:
        typer.echo(f"Retired  epoch {old.number}  {old.fingerprint}  {old.used} of {old.budget} images")
        typer.echo(f"Active   epoch {new.number}  {new.fingerprint}  budget {new.budget} images")
        if why:
            typer.echo(f"         {why}")
        typer.echo("Back up the key file again: the old copy lacks the new epoch.")
        typer.echo("Models encrypted under the old epoch do not fit new images: run pixelveil model rekey.")

    emit(
        {
            "key": str(key_file),
            "retired": {"epoch": old.number, "fingerprint": old.fingerprint, "used": old.used, "budget": old.budget},
            "active": {"epoch": new.number, "fingerprint": new.fingerprint, "budget": new.budget},
        }
        | ({"why": why} if why else {}),
        as_json=as_json,
        text=text,
    )


def inspect(path: PathArgument, as_json: JsonOption = False) -> None:
    """Show what a key file, a folder of images or a model tells without a passphrase.

    Nothing shown is authenticated: opening a key file, verifying a folder or a model is.

    Example: pixelveil inspect clinic.pvkey
    """
    description = _describe(path)
    emit(description, as_json=as_json, text=lambda: _print(description))


def describe_key(path: Path) -> dict[str, Any]:
    """Return what a key file tells without its passphrase.

    Args:
        path: The file.

    Returns:
        A JSON object with the fingerprint, what remains of the budget, and one entry per epoch.

    Raises:
        KeyFileError: There is no such file, or it is not a key file, damaged, or of an unknown version.
    """
    from pixelveil.keys import read_header

    header = read_header(path)
    return {
        "kind": "key file",
        "path": str(path),
        "fingerprint": header.active.fingerprint,
        "remaining": header.active.budget - header.active.used,
        "scrypt_log2_n": header.log2_n,
        "epochs": [asdict(record) for record in header.epochs],
    }


def _measured_budget(
    scheme: str | None, parameter: Sequence[str] | None, *, budget: int | None
) -> tuple[int | None, str]:
    """Return the budget that was asked for, or the one that a scheme's measured lifetime gives; and a line on why."""
    if scheme is None:
        if parameter:
            raise UsageError("--parameter is of a scheme", hint="name it: --scheme NAME")
        return budget, ""
    from pixelveil.schemes.lifetime import advice_on, lifetime_of

    chosen = scheme_from(scheme, parameter)
    if chosen.key_policy != "shared":
        return budget, f"{scheme} with key_policy={chosen.key_policy}: images share no key, the budget only counts them"
    found = lifetime_of(chosen)
    if found is None:
        return budget, f"no lifetime was measured for {scheme}"
    if budget is not None:
        beyond = "" if budget <= found.budget else f"; its measured lifetime is {found.budget}: {found.reason}"
        return budget, f"as you say{beyond}"
    advice = advice_on(chosen, budget=found.budget)
    return found.budget, f"{found.reason}{f'; {advice}' if advice else ''}"


def _describe(path: Path) -> Mapping[str, Any]:
    """Describe a path by what it is."""
    if path.is_dir():
        from pixelveil.cli.data import describe_folder

        return describe_folder(path)
    if path.suffix == ".safetensors":
        from pixelveil.cli.model import describe_model

        return describe_model(path)
    return describe_key(path)


def _print(description: Mapping[str, Any]) -> None:
    """Print a JSON object for people: one line per entry, and one line per item of a list."""
    width = max(len(name) for name in description)
    for name, value in description.items():
        items = value if isinstance(value, list) else [value]
        for index, item in enumerate(items):
            shown = "  ".join(f"{k} {v}" for k, v in item.items()) if isinstance(item, Mapping) else item
            typer.echo(printable(f"{name if index == 0 else '':{width}}  {shown}"))
