"""Write one page for each scheme and the table of all: ``python -m pages.schemes``.

All text comes from the scheme's own declarations (class docstring, facts, key space) and from the table of published
figures, so a page cannot say anything that the program does not.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path

from pages.captions import caption, figures
from pixelveil.atomic import write_atomic
from pixelveil.schemes import SCHEMES, Scheme
from pixelveil.schemes.lifetime import lifetime_of, lifetimes
from pixelveil.schemes.published import PUBLISHED

__all__ = ["FAMILIES", "index_page", "main", "pages", "scheme_page", "table"]

DOCS = Path(__file__).resolve().parents[1] / "docs"

FAMILIES = {
    "pixel": "Pixel-based",
    "block": "Block-based",
    "vit": "Block-based, for Vision Transformers",
    "filtered": "Pixel-based with a filter",
    "matrix": "Matrix decomposition",
    "learned": "Learned transformations",
    "mixing": "Mixing and masking",
    "decrepit": "Broken for good: baselines only",
    "baseline": "Classical baseline",
}
POLICIES = {
    "shared": "one key for all images",
    "derived": "a key for each image, which the owner can derive again",
    "ephemeral": "a key for each image, thrown away",
    "none": "no key",
}
SIZES = ((32, 32, 3), (224, 224, 3))


def pages() -> dict[str, str]:
    """Return the text of every page by its path below ``docs/``."""
    texts = {f"schemes/{name}.md": scheme_page(kind) for name, kind in SCHEMES.items()}
    return texts | {"schemes/index.md": index_page()}


def scheme_page(kind: type[Scheme]) -> str:
    """Return the page of one scheme."""
    story, arguments = _docstring(kind)
    summary, _, rest = story.partition("\n\n")
    parts = [
        f"# {kind.title}",
        f"`{kind.name}` · {FAMILIES[kind.family].lower()} · {kind.citation}",
        _picture(kind),
        summary,
        f"## How it works\n\n{rest.strip()}" if rest.strip() else "",
        f"## Threat model\n\n**Meant against:** {kind.protects}\n\n**Does not hide:** {kind.exposes}",
        f"## Known attacks\n\n{_bullets(kind.known_attacks)}",
        _attempts(kind),
        f"## Parameters\n\n{_parameters(kind, arguments)}",
        f"## Facts\n\n{_facts(kind)}",
        f"## Published accuracy\n\n{_published(kind.name)}",
        f"## Use\n\n{_use(kind)}",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def index_page() -> str:
    """Return the table of all schemes, by family."""
    parts = [
        "# Schemes",
        "Every scheme of the catalogue. The key space is never the security level: what counts is the last column. "
        '"Encrypted" alone promises nothing; each page names the threat model and what breaks the scheme.',
    ]
    for family, title in FAMILIES.items():
        kinds = [kind for kind in SCHEMES.values() if kind.family == family]
        if kinds:
            rows = [
                (
                    f"[{kind.name}]({kind.name}.md)",
                    kind.title,
                    POLICIES[_default(kind, "key_policy")],
                    "yes" if kind.reversible else "no",
                    "yes" if not kind.jpeg_obstacle else "no",
                    _bits(kind, SIZES[0]),
                    _read_from(kind),
                )
                for kind in sorted(kinds, key=lambda kind: kind.name)
            ]
            head = (
                "scheme",
                "what",
                "key",
                "reversible",
                "survives JPEG",
                "key bits at 32x32",
                "known attack reads it",
            )
            parts += [f"## {title}", table(head, rows)]
    return "\n\n".join(parts) + "\n"


def _picture(kind: type[Scheme]) -> str:
    if "weights" in kind.asset_kinds:
        return "No picture here: it would show a network that must be trained first (`pixelveil schemes fit`)."
    link = f"![plain, encrypted and read](../pictures/schemes/{kind.name}.png)"
    found = figures().get("schemes", {}).get(kind.name)
    return link if found is None else f"{link}\n\n{caption(found)}"


def _attempts(kind: type[Scheme]) -> str:
    """Return what the attacks of the catalogue read of the photograph, or nothing before it was measured."""
    rows = figures().get("schemes", {}).get(kind.name, {}).get("attempts", ())
    if not rows:
        return ""
    shown = [
        (
            f"[{row['attack']}](../attacks/{row['attack']}.md)",
            row["access"],
            *(
                (row["left_out"], "", "")
                if "left_out" in row
                else (
                    f"{row['images']} images" + (f", {row['pairs']} pairs" if row["pairs"] else ""),
                    f"{row['ssim']:.2f} ({row['ssim_control']:.2f})",
                    f"{row['edges']:.2f} ({row['edges_control']:.2f})",
                )
            ),
        )
        for row in rows
    ]
    head = (
        "attack",
        "attacker has",
        "seen",
        "SSIM (on noise)",
        "edge correlation (on noise)",
    )
    return (
        "What attacks read of the photographs, attackers who know least first; who knows more was asked only where "
        "they read little. The [audits](../audits.md) have verdicts, on many images.\n\n" + table(head, shown)
    )


def _docstring(kind: type[Scheme]) -> tuple[str, dict[str, str]]:
    """Return what a class docstring tells, without doctests and sections, and its arguments by name."""
    text = inspect.getdoc(kind) or ""
    story = re.split(r"\n(?:Args|Raises|Returns):\n", text)[0]
    story = "\n".join(line for line in story.splitlines() if not line.startswith(">>>"))
    found = re.search(r"\nArgs:\n(.*?)(?:\n\n|\Z)", text, flags=re.DOTALL)
    arguments: dict[str, str] = {}
    for line in found.group(1).splitlines() if found else ():
        if match := re.match(r" {4}(\w+): (.*)", line):
            name = match.group(1)
            arguments[name] = match.group(2)
        elif arguments:
            arguments[name] += " " + line.strip()
    return story.strip().replace("``", "`"), {key: value.replace("``", "`") for key, value in arguments.items()}


def _parameters(kind: type[Scheme], arguments: dict[str, str]) -> str:
    rows = [
        (f"`{field.name}`", f"`{field.default}`", arguments.get(field.name, _policy_text(kind)))
        for field in fields(kind)
        if field.name != "asset"
    ]
    return table(("parameter", "default", "meaning"), rows)


def _policy_text(kind: type[Scheme]) -> str:
    return "; ".join(f"{policy}: {POLICIES[policy]}" for policy in kind.policies)


def _facts(kind: type[Scheme]) -> str:
    rows = [
        ("sizes", _default_scheme(kind).sizes if not kind.needs_asset else "see above"),
        ("encrypted images", "8-bit" if kind.output_dtype == "uint8" else "floats: stored as float16 or scaled 8-bit"),
        ("decryption", "exact, with the key" if kind.reversible else "impossible: information is lost by design"),
        ("JPEG", f"refused: {kind.jpeg_obstacle}" if kind.jpeg_obstacle else "survives it as plain images do"),
        *((f"nominal key space at {h}x{w}", f"{_bits(kind, (h, w, c))} bits") for h, w, c in SIZES),
    ]
    if any(one.scheme == kind.name for one in lifetimes()):
        found = lifetime_of(kind(key_policy="shared"))
        if found is not None:
            said = f"{found.budget}: {found.reason} (see [key lifetime](../key-lifetime.md))"
            rows.append(("images under one shared key", said))
    if kind.asset_kinds:
        needs = "needed" if kind.needs_asset else "possible"
        rows.append(("asset", f"{needs}: {', '.join(kind.asset_kinds)}"))
    return table(("", ""), rows) + "\n\nThe key space only counts keys. It says nothing about attacks that need none."


def _published(name: str) -> str:
    figures = PUBLISHED.get(name, ())
    if not figures:
        return "No figure that could be read."
    rows = [
        (
            one.dataset,
            one.network,
            "" if one.plain is None else f"{one.plain:.2f}",
            f"{one.encrypted:.2f}",
            one.source,
            one.note,
        )
        for one in figures
    ]
    return table(("data", "network", "plain %", "encrypted %", "source", "mind"), rows)


def _use(kind: type[Scheme]) -> str:
    asset = " --asset FILE" if kind.needs_asset else ""
    storage = "" if kind.output_dtype == "uint8" else " --format npy"
    lines = [f"pixelveil encrypt scans scans-encrypted --key clinic.pvkey --scheme {kind.name}{asset}{storage}"]
    if kind.needs_asset:
        lines.insert(0, f"pixelveil schemes fit {kind.name} --data images --out FILE")
    return "```\n" + "\n".join(lines) + "\n```"


def _bits(kind: type[Scheme], shape: tuple[int, int, int]) -> str:
    bits = _default_scheme(kind).key_bits(shape)
    return f"{bits:,.0f}"


def _default_scheme(kind: type[Scheme]) -> Scheme:
    return kind()


def _default(kind: type[Scheme], name: str) -> str:
    return str(next(field.default for field in fields(kind) if field.name == name))


def _read_from(kind: type[Scheme]) -> str:
    if kind.readable_from is None:
        return "see its page"
    return f"from {kind.readable_from} image{'s' if kind.readable_from > 1 else ''} on"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"* {line}" for line in lines)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def main() -> None:
    """Write all pages; ``python -m pages.pictures schemes`` makes their pictures."""
    (DOCS / "schemes").mkdir(exist_ok=True)
    for path, text in pages().items():
        write_atomic(DOCS / path, text.encode())


if __name__ == "__main__":
    main()
