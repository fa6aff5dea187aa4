"""The command that takes over key material of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from pixelveil.cli.common import JsonOption, ParameterOption, emit, scheme_from
from pixelveil.errors import UsageError

if TYPE_CHECKING:
    from pixelveil.schemes.legacy.seeds import Generator

__all__ = ["import_key"]

# Digits of a side.
_LONGEST_SIDE = 6

NameArgument = Annotated[str, typer.Argument(help="Name of a scheme.", show_default=False)]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Asset to make; must not exist.", show_default=False)]
ArraysOption = Annotated[
    Path | None, typer.Option("--arrays", help="File of arrays: .npz, .npy or .json.", show_default=False)
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Seed of a public program.", show_default=False)]
RngOption = Annotated[
    str, typer.Option("--rng", help="What it seeds: numpy (RandomState), numpy-generator (default_rng) or python.")
]
SizeOption = Annotated[str, typer.Option("--size", help="Image size that the material is for, HEIGHTxWIDTH.")]
ChannelsOption = Annotated[int, typer.Option("--channels", help="3, or 1 for gray images.")]
BugOption = Annotated[
    bool,
    typer.Option(
        "--channel-bug", help="Lose color channels as the published EtC and PE code does; nobody can undo that."
    ),
]


def import_key(
    name: NameArgument,
    out: OutOption,
    arrays: ArraysOption = None,
    seed: SeedOption = None,
    rng: RngOption = "numpy",
    size: SizeOption = "32x32",
    channels: ChannelsOption = 3,
    channel_bug: BugOption = False,
    parameter: ParameterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take over what a public program uses in place of a key, to repeat its results byte for byte.

    From arrays, from a seed, or both: what the arrays leave out is drawn from the seed. The result is an asset for
    pixelveil encrypt --asset. It is not a key and protects nothing.

    Example: pixelveil schemes import-key madono-ele --arrays key4.npz --seed 30 --rng python --out ele.pvasset
    """
    from pixelveil.data.decode import MAX_PIXELS
    from pixelveil.schemes.legacy.material import legacy_from_arrays, legacy_from_seed, read_arrays, why_not_a_key

    if out.exists():
        raise UsageError(f"{out}: exists already", hint="choose another name")
    if arrays is None and seed is None:
        raise UsageError("there is nothing to import", hint="give --arrays FILE, or --seed N --rng GENERATOR")
    height, _, width = size.partition("x")
    if not all(side.isdecimal() and len(side) <= _LONGEST_SIDE and int(side) for side in (height, width)):
        raise UsageError(f"--size {size!r} is not HEIGHTxWIDTH")
    if int(height) * int(width) > MAX_PIXELS:
        raise UsageError(f"--size {size} has more than {MAX_PIXELS:,} pixels")
    if channels not in (1, 3):
        raise UsageError(f"--channels must be 1 or 3, not {channels}")
    scheme, shape = scheme_from(name, parameter), (int(height), int(width), channels)
    given = {} if arrays is None else read_arrays(arrays)
    if seed is None:
        asset = legacy_from_arrays(scheme, arrays=given, shape=shape, channel_bug=channel_bug)
    else:
        generator = cast("Generator", rng)
        asset = legacy_from_seed(scheme, seed=seed, rng=generator, shape=shape, arrays=given, channel_bug=channel_bug)
    asset.save(out)
    shapes: dict[str, Any] = {label: list(values.shape) for label, values in asset.arrays.items()}
    reason = why_not_a_key(asset)

    def text() -> None:
        typer.echo(f"Asset   {out}")
        typer.echo(f"Scheme  {name}, images of {height}x{width}")
        typer.echo(f"Digest  {asset.digest}")
        typer.echo(f"Arrays  {', '.join(shapes)}")
        if asset.settings.get("legacy_channel_bug") is False:
            typer.echo("Colors are permuted. To lose channels as the published code does: --channel-bug")
        typer.echo(f"This is not a key. {reason}")

    emit(
        {
            "asset": str(out),
            "scheme": name,
            "digest": asset.digest,
            "size": list(shape[:2]),
            "arrays": shapes,
            "settings": dict(asset.settings),
            "why_not_a_key": reason,
        },
        as_json=as_json,
        text=text,
    )
