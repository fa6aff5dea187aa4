"""Write one page for each attack and the table of all: ``python -m pages.attacks``; all text from the declarations."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from pages.schemes import FAMILIES, table
from pixelveil.atomic import write_atomic
from pixelveil.attacks import ATTACKS, Attack
from pixelveil.attacks.attack import Access
from pixelveil.schemes import SCHEMES

__all__ = ["attack_page", "index_page", "main", "pages"]

DOCS = Path(__file__).resolve().parents[1] / "docs"

ACCESS: dict[Access, str] = {
    "ciphertexts": "encrypted images alone",
    "public images": "encrypted images, and other images of the same kind",
    "pairs": "some plain images with their encrypted versions",
    "oracle": "the means to have images encrypted",
    "model": "the encrypted model",
    "client": "the encrypted model and one client's key",
    "gradients": "gradients or updates of a training",
}


def pages() -> dict[str, str]:
    """Return the text of every page by its path below ``docs/``."""
    texts = {f"attacks/{name}.md": attack_page(kind) for name, kind in ATTACKS.items()}
    return texts | {"attacks/index.md": index_page()}


def attack_page(kind: type[Attack]) -> str:
    """Return the page of one attack."""
    story = re.split(r"\n(?:Args|Raises|Returns):\n", inspect.getdoc(kind) or "")[0].strip().replace("``", "`")
    reached, beyond = _reach(kind)
    parts = [
        f"# {kind.title}",
        f"`{kind.name}` · {kind.citation}",
        f"**The attacker has:** {ACCESS[kind.access]}"
        + (f", at least {kind.minimum}." if kind.minimum > 1 else ".")
        + (" The more under one key, the better it reads." if kind.grows else ""),
        f"**Cost:** {kind.cost}.",
        f"## How it works\n\n{story}",
        "## What it applies to\n\n" + "\n".join(f"* [{name}](../schemes/{name}.md)" for name in reached),
        "## What it says nothing about\n\nThat it does not apply is no resistance.\n\n"
        + table(("scheme", "why"), beyond),
        f"## Use\n\n```\npixelveil audit --scheme NAME --data images --attacks {kind.name} --out report\n```",
    ]
    return "\n\n".join(parts) + "\n"


def index_page() -> str:
    """Return the table of all attacks, by what the attacker has."""
    parts = [
        "# Attacks",
        "An attack counts only with its controls: it must break what it is known to break, and find nothing in AES-CTR "
        "noise that went the same way. The attacker always knows the scheme and its parameters; never the key.",
    ]
    for access, words in ACCESS.items():
        kinds = sorted((kind for kind in ATTACKS.values() if kind.access == access), key=lambda kind: kind.name)
        if kinds:
            rows = [
                (f"[{kind.name}]({kind.name}.md)", kind.title, kind.cost, ", ".join(_reach(kind)[0])) for kind in kinds
            ]
            parts += [f"## With {words}", table(("attack", "what", "cost", "applies to"), rows)]
    return "\n\n".join(parts) + "\n"


def _reach(kind: type[Attack]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the schemes that an attack applies to with their defaults, and why not to the others."""
    attack, reached, beyond = kind(), [], []
    for family in FAMILIES:
        for name, scheme in sorted(SCHEMES.items()):
            if scheme.family != family:
                continue
            if obstacle := attack.obstacle(scheme()):
                beyond.append((name, obstacle))
            else:
                reached.append(name)
    return reached, beyond


def main() -> None:
    """Write all pages."""
    (DOCS / "attacks").mkdir(exist_ok=True)
    for path, text in pages().items():
        write_atomic(DOCS / path, text.encode())


if __name__ == "__main__":
    main()
