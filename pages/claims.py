"""Write the page that checks published claims, from the committed measurements: ``python -m pages.claims``.

No figure stands in this file: published ones and ours come from ``benchmarks/results/attacks-claims.json``, those of
the pictures from ``benchmarks/results/pictures.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pages.captions import caption, figures
from pages.schemes import table
from pixelveil.atomic import write_atomic
from pixelveil.schemes import create_scheme
from pixelveil.schemes.published import PUBLISHED

__all__ = ["RESULT", "claims_page", "main"]

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "attacks-claims.json"
PAGE = ROOT / "docs" / "claims.md"

Row = Mapping[str, Any]

_INTRODUCTION = """# Published claims, checked

For each claim: what the source says, the attacks that the claim rests on, what they read here, and a stronger attack
that changes the verdict. Every figure has the same attack on AES-CTR noise beside it, encrypted in the same way, and a
95 % interval in brackets. Where a source's full text is not public, the scheme is a reconstruction from what is
(its page says so), and so is the comparison. [How to read a report](reading-a-report.md) explains the verdicts.

`python -m benchmarks.attacks claims --data cifar10.npz --pcos pcos.csv` makes the figures again, `python -m
pages.pictures claims` the pictures, `python -m pages.claims` this page.
"""

TITLES = {
    "skk-one-key": "Pixel-based encryption with one key: no visual information",
    "skk": "SKK: a key for every image",
    "huang": "Huang et al.: filtered, because of the attacks",
    "lin": "Lin: a Gaussian filter after SKK",
    "wang": "Wang: SSIM below 0.07 and negative PSNR",
    "wang-pcos": "Wang: accuracy on the PCOS ultrasound set",
    "vit": "Encrypted Vision Transformers: requirements (a) to (d)",
}

_NEGATIVE = """### Where a negative PSNR comes from

PSNR compares squared errors with the square of the peak. Between two images of 0 to 255 no error exceeds the peak, so
it cannot be negative. The projected matrix is no image: its values are real numbers of any size. Compared as they are,
they give low and negative ratios; clipped to an image, or brought to the plain image's scale, the ratio is that of any
picture that says nothing. Multiplying all values by ten lowers the first figure and changes nothing that an attacker
could know. So the sign says how large the values are, and nothing about what they hide."""

_LOW_SSIM = """Both attacks undo inversions of single bytes. This scheme has none, so they output their noise floor,
whatever it leaks otherwise: the audit says NOT APPLICABLE, which is no resistance. What they make of noise
is hardly less like the images (column "on noise")."""

_MODELS = """### Requirement (a) at the server, and (b)

The server holds the encrypted model and the encrypted images. It reads the images if it knows the plain model's patch
embedding, such as that of a public checkpoint. With an unrelated one it gets no picture; what a row still has above
noise is what encrypted blocks show by themselves. With the key recovered the encrypted model is the plain one again, so
(b) holds exactly as far as the plain model stays unknown: whatever the plain model tells of its training images, the
encrypted one tells. Where gradients of a training are seen, they give back what the model was shown: the encrypted
image without the base, the plain one with it."""

_ACCESS = """### Requirements (c) and (d)

Accuracy of a small Vision Transformer on handwritten digits. The right key gives the plain model's accuracy: (c) holds.
A renewed key gives it again, and the images of the old key are of no use to the new model: (d) holds, as far as the
accuracy with wrong keys is near chance. Where only blocks change places it is not."""


def claims_page(record: Row, pictures: Mapping[str, Row]) -> str:
    """Return the page's text.

    Args:
        record: Content of ``benchmarks/results/attacks-claims.json``.
        pictures: Figures of the pictures, by claim.
    """
    results = record["results"]
    claims, images = results["claims"], results["images"]
    parts = [_INTRODUCTION.strip(), _summary(claims)]
    parts += [_section(name, claims[name], pictures.get(name)) for name in TITLES if name in claims]
    machine = record["machine"]
    parts.append(
        f"Images: {images['set']}, {images['shape'][0]} x {images['shape'][1]}, {images['victims']} to be read, "
        f"{images['helpers']} more seen encrypted, {images['public']} public, {images['pairs']} known at most. "
        f"Machine: {machine['processor']}, {machine['cores']} cores, {record['seconds']:.0f} seconds; commit "
        f"{record['commit']}."
    )
    return "\n\n".join(parts) + "\n"


def _summary(claims: Mapping[str, Row]) -> str:
    rows = []
    for name, title in TITLES.items():
        if name not in claims:
            continue
        claim = claims[name]
        link = f"[{title}](#{_anchor(title)})"
        if name == "wang-pcos":
            found = claim["sources"]
            rows.append((link, "", f"{found['photographs']} photographs stand behind {found['files']} files"))
            continue
        strongest = _strongest(claim["stronger"])
        weak = ", ".join(dict.fromkeys(f"{row['attack']}: {row['verdict']}" for row in claim["claimed"]))
        rows.append((link, weak, f"{strongest['attack']} on {strongest['scheme']}: {strongest['verdict']}"))
    return "## In short\n\n" + table(("claim", "the attacks of the claim", "the attack that changes the verdict"), rows)


def _section(name: str, claim: Row, picture: Row | None) -> str:
    parts = [f"## {TITLES[name]}", f"**Says:** {claim['says']}. {claim['source']}."]
    if claim["published"]:
        figures_text = "; ".join(f"{one['measure']} {one['figure']}" for one in claim["published"])
        parts.append(f"**Published:** {figures_text}.")
    else:
        parts.append("**Published:** no figure of an attack that could be read.")
    if picture is not None:
        parts.append(_picture(name, picture))
    if name == "wang-pcos":
        return "\n\n".join([*parts, _sources(claim["sources"])])
    if literal := claim.get("as published"):
        parts += ["### The attacks as published", _literal(literal)]
    if name == "wang":
        parts += [_LOW_SSIM, _NEGATIVE, _ratios(literal)]
    parts += ["### The attacks of the claim, in the catalogue", _rows(claim["claimed"])]
    parts += ["### Stronger", _rows(claim["stronger"]), _conclusion(claim["stronger"])]
    if name == "vit":
        parts += [_MODELS, _server(claim["a"]), _gradients(claim["b"]), _ACCESS, _access(claim["c and d"])]
        parts.append("Published accuracies: " + _accuracies("vit-permutation") + ".")
    return "\n\n".join(parts)


def _picture(name: str, picture: Row) -> str:
    weak, strong = picture["claimed"], picture["stronger"]
    told = caption(strong).removeprefix("Plain, encrypted, and what ")
    if weak.get("applies") is False:
        first = f"what `{weak['attack']}` gives, which does not apply"
    else:
        first = (
            f"what `{weak['attack']}` reads (SSIM {weak['ssim']:.2f}, on noise {weak['ssim_control']:.2f}; edge "
            f"correlation {weak['edges']:.2f}, {weak['edges_control']:.2f})"
        )
    alt = "plain, encrypted, the attack of the claim, the stronger attack"
    usual = create_scheme(strong["scheme"]).parameters
    changed = {field: value for field, value in strong["parameters"].items() if usual.get(field) != value}
    scheme = _scheme({**strong, "parameters": changed})
    return f"![{alt}](pictures/claims/{name}.png)\n\nPlain, encrypted, {first}, and what {told} The scheme is {scheme}."


def _rows(rows: Iterable[Row]) -> str:
    head = ("attack", "scheme", "attacker has", "SSIM", "on noise", "edge correlation", "on noise", "verdict", "why")
    return table(head, [_line(row) for row in rows])


def _line(row: Row) -> tuple[str, ...]:
    start = (f"`{row['attack']}`", _scheme(row), _held(row))
    if "ssim" in row:
        measures = ("ssim", "ssim_control", "edge_correlation", "edge_correlation_control")
        middle = tuple(_interval(row[measure]) for measure in measures)
    elif "success" in row:
        middle = (f"right: {_interval(row['success'])}", _interval(row["success_control"]), "", "")
    else:
        middle = ("", "", "", "")
    return (*start, *middle, row["verdict"], row["criterion"])


def _held(row: Row) -> str:
    if row["verdict"] == "NOT APPLICABLE":
        return ""
    if row["access"] == "pairs":
        return f"{row['pairs']} known pair{'s' if row['pairs'] > 1 else ''}"
    return f"{row['images']} encrypted" + (f", {row['public']} public" if row["public"] else "")


def _scheme(row: Row) -> str:
    changed = ", ".join(f"{name}={value}" for name, value in row["parameters"].items())
    return f"[{row['scheme']}](schemes/{row['scheme']}.md)" + (f" ({changed})" if changed else "")


def _strongest(rows: Sequence[Row]) -> Row:
    """Return the row with the worst verdict; of equal ones reconstructions before games, the most similar first."""
    order = ("NOT APPLICABLE", "INCONCLUSIVE", "NO LEAK FOUND", "LEAK", "SERIOUS", "BROKEN")

    def rank(row: Row) -> tuple[int, float]:
        return order.index(row["verdict"]), row["ssim"]["value"] if "ssim" in row else -1.0

    return max(rows, key=rank)


def _conclusion(rows: Sequence[Row]) -> str:
    """Return the strongest row of each scheme and reading of it; what a source leaves open is a parameter."""
    kinds = dict.fromkeys(_scheme(row) for row in rows)
    found = [(kind, _strongest([row for row in rows if _scheme(row) == kind])) for kind in kinds]
    lines = [f"* {kind}: **{row['verdict']}**, by `{row['attack']}`: {row['criterion']}" for kind, row in found]
    return "\n".join(lines)


def _literal(rows: Iterable[Row]) -> str:
    head = ("attack", "scheme", "side", "SSIM", "on noise", "edge correlation", "on noise", "PSNR, dB", "on noise")
    fields = ("ssim", "ssim_control", "edge_correlation", "edge_correlation_control", "psnr", "psnr_control")
    shown = []
    for row in rows:
        filters = ("factor", "kernel", "sigma", "statistic")
        kept = {name: row["parameters"][name] for name in filters if name in row["parameters"]}
        start = (f"`{row['attack']}`", _scheme({**row, "parameters": kept}), str(row["side"]))
        shown.append((*start, *(_interval(row[name]) for name in fields)))
    return table(head, shown)


def _ratios(rows: Iterable[Row]) -> str:
    head = (
        "attack",
        "side",
        "factor",
        "PSNR of the values as they are",
        "negative",
        "of ten times the values",
        "clipped to an image",
        "least of all images",
        "scaled to the plain image",
        "the same of noise",
    )
    shown = [
        (
            f"`{row['attack']}`",
            str(row["side"]),
            str(row["parameters"]["factor"]),
            _interval(row["psnr_unclipped"]),
            f"{row['negative_share']:.0%}",
            _interval(row["psnr_unclipped_times_ten"]),
            _interval(row["psnr"]),
            f"{row['psnr_least']:.1f}",
            _interval(row["psnr_aligned"]),
            _interval(row["psnr_aligned_control"]),
        )
        for row in rows
    ]
    return table(head, shown)


def _sources(found: Row) -> str:
    by_class = ", ".join(f"{count} {name}" for name, count in found["photographs_by_class"].items())
    return (
        f"The public set, as it was thinned for this check, has {found['files']} files, and they are "
        f"{found['photographs']} photographs ({by_class}), augmented; the fewest files of one "
        f"photograph are {found['fewest_files_of_a_photograph']}. A split by files puts versions of every photograph "
        "on both sides. Whoever only recognizes the photograph, and remembers its class, is right about "
        f"{found['accuracy_of_recognizing_the_photograph']:.0%} of the files. So an accuracy on such a split, on plain "
        "or on encrypted images, tells that versions of one photograph stay alike; it tells nothing about disease, and "
        f"of encryption the opposite of what it is quoted for. Printed: {_accuracies('svd-wang')}."
    )


def _server(rows: Iterable[Row]) -> str:
    head = ("attack", "scheme", "base that the server knows", "SSIM", "on noise", "edge correlation", "verdict")
    shown = [
        (
            f"`{row['attack']}`",
            _scheme(row),
            "the model's own" if row["base"] == "own" else "an unrelated one",
            _interval(row["ssim"]),
            _interval(row["ssim_control"]),
            _interval(row["edge_correlation"]),
            row["verdict"],
        )
        for row in rows
    ]
    return table(head, shown)


def _gradients(rows: Iterable[Row]) -> str:
    shown = [
        (
            f"`{row['attack']}`",
            _scheme({**row, "parameters": {}}),
            "known" if row["base"] == "own" else "unknown",
            str(row["victims"]),
            _interval(row["ssim"]),
        )
        for row in rows
    ]
    return table(("attack", "scheme", "base", "images", "SSIM to the plain image"), shown)


def _access(rows: Iterable[Row]) -> str:
    fields = ("plain", "right", "wrong", "renewed", "old", "plain_images", "plain_model", "chance")
    head = (
        "scheme",
        "plain model",
        "right key",
        "wrong keys",
        "renewed key",
        "old key's images",
        "plain images",
        "plain model, encrypted images",
        "largest class",
    )
    return table(head, [(_scheme(row), *(f"{row[name]:.1%}" for name in fields)) for row in rows])


def _accuracies(scheme: str) -> str:
    found = PUBLISHED.get(scheme, ())
    texts = [
        f"{one.dataset}, {one.network}: "
        + (f"{one.plain:.2f} plain, " if one.plain is not None else "")
        + f"{one.encrypted:.2f} encrypted ({one.source}{'; ' + one.note if one.note else ''})"
        for one in found
    ]
    return "; ".join(texts) or "none that could be read"


def _interval(found: Row) -> str:
    value = f"{found['value']:.3f}"
    if found["low"] is None or found["high"] is None or found["low"] == found["high"]:
        return value
    return f"{value} [{found['low']:.3f}, {found['high']:.3f}]"


def _anchor(title: str) -> str:
    return "".join(letter for letter in title.lower().replace(" ", "-") if letter.isalnum() or letter == "-")


def main() -> None:
    """Write the page."""
    record = json.loads(RESULT.read_text(encoding="utf-8"))
    write_atomic(PAGE, claims_page(record, figures().get("claims", {})).encode())


if __name__ == "__main__":
    main()
