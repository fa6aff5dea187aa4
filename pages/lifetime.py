"""Write what follows from the measured lifetimes of keys: ``python -m pages.lifetime``.

From ``benchmarks/results/attacks-lifetime.json`` and ``attacks-defenses.json`` come the table in the package
(`pixelveil.schemes.lifetime`), ``docs/key-lifetime.md`` and its curves. All figures of the page are theirs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from pages.schemes import table
from pixelveil.atomic import write_atomic

__all__ = ["drawing", "lifetime_page", "main", "table_of"]

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "key-lifetime.md"
PICTURE = ROOT / "docs" / "pictures" / "key-lifetime.svg"
PACKAGED = ROOT / "src" / "pixelveil" / "schemes" / "lifetime.json"

Record = dict[str, Any]

_INTRODUCTION = """# How long a key lasts

Every image that is encrypted under a shared key tells something about it. The curves show what the strongest attack of
this package that needs neither known images nor the model reads, by the number of ciphertexts under one key: mean
SSIM of the victims, beside the higher of two controls (the same attack on AES-CTR noise; what it read, scored against
other images). From a point on it is LEAK, SERIOUS or BROKEN by [the rules of all verdicts](threat-models.md).

The last number up to which nothing was found is the default budget of a key that is made for the scheme
(`pixelveil keygen KEY --scheme NAME`); `--budget` overrides it, and `pixelveil encrypt` says so when a job goes beyond.
Where already the fewest images tried show something, the default is 1: no budget keeps the attack out, and the ways are
a key for each image (`--parameter key_policy=derived`), or small batches (`pixelveil rotate`) where an encrypted model
needs a shared key. **A budget is no protection**: below it nothing is proven, it is what these attacks found on these
images; larger images hold more blocks and show more each; and one known image with its encryption needs no statistics.
"""
_DEFENSES = """## What lowers the leak

All on `vit-orthogonal`. *Whitening*: the scheme with the asset that `pixelveil schemes fit vit-orthogonal` makes of
public images; it is part of the affine map, so an encrypted model absorbs it exactly. "components" is the attack that
takes principal components for those of natural blocks, as all attacks did before; "neighbors" the one that takes
eigenvectors of the covariance of neighboring blocks where it sees that blocks were whitened, and refines them by
iterated Procrustes over all steps; where blocks were not whitened the first one is the strongest.
"""
_ROTATION = """## Many keys

The same images split over several keys (`pixelveil rotate` between batches), each attacked on its own. What counts is
the number of images under each key, so that coarser budgets buy nothing: rotation moves along the curve above, and
each batch needs a model of its own (`pixelveil model rekey`).
"""
_BREAKS = """## What still breaks it

* **Known images.** The table of pairs: a whitening is public and inverted, and so is every other map here.
* **The model.** A server that knows the plain patch embedding reads every image under the key of the model.
* **A better attack.** Whitening removes what blocks hold by themselves, not what neighbors share; scrambling makes the
  attacker find the neighbors first, no more.
"""
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 800, 380, 46, 340, 14, 610
_COLORS = ("#3b6ea5", "#c0562f", "#4a8c4a", "#8a5ca8", "#b08a1e", "#3f9a9a", "#a8486f", "#666666")


def table_of(record: Record) -> Record:
    """Return the table that comes with the package.

    Args:
        record: Content of ``attacks-lifetime.json``.
    """
    return {
        "data": record["results"]["data"],
        "commit": record["commit"],
        "curves": [
            {
                "scheme": curve["scheme"],
                "block": curve["block"],
                "attack": curve["attack"],
                "quiet_until": curve["quiet_until"],
                "leaks_from": curve["first"]["LEAK"],
            }
            for curve in record["results"]["curves"]
        ],
    }


def lifetime_page(lifetime: Record, defenses: Record | None) -> str:
    """Return the page's text.

    Args:
        lifetime: Content of ``attacks-lifetime.json``.
        defenses: Content of ``attacks-defenses.json``; None where it was not measured yet.
    """
    results = lifetime["results"]
    parts = [
        _INTRODUCTION.strip(),
        "![SSIM by number of images under one key](pictures/key-lifetime.svg)",
        f"{results['data']}; the attacker has {results['public']} public images; victims are recognized among "
        f"{results['gallery']}.",
        _budgets(results["curves"]),
        "## All points",
        _points(results["curves"]),
    ]
    if defenses is not None:
        found = defenses["results"]
        statistical = [row for row in found["cases"] if row["attack"] != "pairs"]
        known = [row for row in found["cases"] if row["attack"] == "pairs"]
        parts += [_DEFENSES.strip(), _cases(statistical, count="images")]
        parts += [_ROTATION.strip(), _rotation(found["rotation"])]
        parts += [_BREAKS.strip(), _cases(known, count="pairs")]
    foot = [
        f"`python -m benchmarks.attacks {topic} --data cifar10.npz`, commit {record['commit']}, "
        f"{record['machine']['processor']}, {record['seconds']:.0f} seconds"
        for topic, record in (("lifetime", lifetime), ("defenses", defenses))
        if record is not None
    ]
    return "\n\n".join([*parts, f"Measured by {'; '.join(foot)}."]) + "\n"


def _budgets(curves: Sequence[Record]) -> str:
    rows = [
        (
            _label(curve),
            curve["attack"],
            *(_number(curve["first"][verdict]) for verdict in ("LEAK", "SERIOUS", "BROKEN")),
            "—" if curve["quiet_until"] is None else str(curve["quiet_until"]),
            str(curve["quiet_until"] or 1),
        )
        for curve in curves
    ]
    head = ("scheme", "attack", "LEAK from", "SERIOUS from", "BROKEN from", "nothing found up to", "default budget")
    return table(head, rows)


def _points(curves: Sequence[Record]) -> str:
    rows = [
        (
            _label(curve),
            str(point["images"]),
            f"{point['ssim']:.2f} ({point['ssim_control']:.2f})",
            f"{point['edge_correlation']:.2f} ({point['edge_correlation_control']:.2f})",
            "" if point["recognized"] is None else f"{point['recognized']:.0%}",
            point["verdict"],
        )
        for curve in curves
        for point in curve["points"]
    ]
    head = ("scheme", "images", "SSIM (control)", "edge correlation (control)", "recognized", "verdict")
    return table(head, rows)


def _cases(rows: Sequence[Record], *, count: str) -> str:
    cells = [
        (
            f"{row['block']}x{row['block']}",
            "yes" if row["whitened"] else "no",
            "yes" if row["scrambled"] else "no",
            row["attack"],
            str(row[count]),
            *_figures(row),
        )
        for row in rows
    ]
    head = ("blocks", "whitened", "scrambled", "attack", count, "SSIM (control)", "edge correlation (control)")
    return table(head, cells)


def _rotation(rows: Sequence[Record]) -> str:
    cells = [(str(row["keys"]), str(row["images_per_key"]), *_figures(row)) for row in rows]
    return table(("keys", "images under each", "SSIM (control)", "edge correlation (control)"), cells)


def _figures(row: Record) -> tuple[str, str]:
    return (
        f"{row['ssim']:.2f} ({row['ssim_control']:.2f})",
        f"{row['edge_correlation']:.2f} ({row['edge_correlation_control']:.2f})",
    )


def _label(curve: Record) -> str:
    return curve["scheme"] if curve["block"] == 1 else f"{curve['scheme']}, {curve['block']}x{curve['block']}"


def _number(value: int | None) -> str:
    return "not found" if value is None else str(value)


def drawing(curves: Sequence[Record]) -> str:
    """Return all curves as one SVG picture: SSIM over images under one key, both scales marked.

    Args:
        curves: Of ``attacks-lifetime.json``.
    """
    most = math.log10(max(point["images"] for curve in curves for point in curve["points"]))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        "<title>Mean SSIM of what is read, by number of images under one key</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
    ]
    for level in (0.0, 0.25, 0.5, 0.75, 1.0):
        down = _down(level)
        lines.append(f'<path d="M{_LEFT} {down}H{_RIGHT}" stroke="#dddddd"/>')
        lines.append(f'<text x="{_LEFT - 6}" y="{down + 4}" text-anchor="end" fill="#555555">{level:.2g}</text>')
    for images in (10**power for power in range(math.floor(most) + 1)):
        across = _across(images, most)
        lines.append(f'<text x="{across}" y="{_BOTTOM + 18}" text-anchor="middle" fill="#555555">{images}</text>')
    lines.append(f'<text x="{_RIGHT}" y="{_BOTTOM + 34}" text-anchor="end" fill="#555555">images under one key</text>')
    families = [list(group) for _, group in groupby(curves, key=lambda curve: curve["scheme"])]
    place = 0
    for number, family in enumerate(families):
        color = _COLORS[number % len(_COLORS)]
        for turn, curve in enumerate(family):
            # Schemes share colors after eight, block sizes share their scheme's: dashes tell them apart.
            dash = 4 * turn + 2 * (number // len(_COLORS))
            style = f'stroke="{color}" stroke-width="2" fill="none"' + (f' stroke-dasharray="{dash} 3"' if dash else "")
            dots = [(_across(point["images"], most), _down(point["ssim"])) for point in curve["points"]]
            lines.append(f'<polyline points="{" ".join(f"{x},{y}" for x, y in dots)}" {style}/>')
            lines += [f'<circle cx="{x}" cy="{y}" r="3" fill="{color}"/>' for x, y in dots]
            down = _TOP + 10 + 19 * place
            lines.append(f'<path d="M{_RIGHT + 14} {down}h24" {style}/>')
            lines.append(f'<text x="{_RIGHT + 44}" y="{down + 4}" fill="#333333">{_label(curve)}</text>')
            place += 1
    return "\n".join([*lines, "</svg>", ""])


def _across(images: int, most: float) -> float:
    return round(_LEFT + (_RIGHT - _LEFT) * math.log10(images) / max(most, 1e-9), 1)


def _down(value: float) -> float:
    return round(_BOTTOM - (_BOTTOM - _TOP) * min(max(value, 0.0), 1.0), 1)


def _read(name: str) -> Record | None:
    path = RESULTS / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def main() -> None:
    """Write the page, its picture and the table of the package."""
    lifetime, defenses = _read("attacks-lifetime.json"), _read("attacks-defenses.json")
    if lifetime is None:
        raise SystemExit("no lifetime was measured yet: python -m benchmarks.attacks lifetime --data cifar10.npz")
    write_atomic(PAGE, lifetime_page(lifetime, defenses).encode())
    write_atomic(PICTURE, drawing(lifetime["results"]["curves"]).encode())
    write_atomic(PACKAGED, (json.dumps(table_of(lifetime), indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
