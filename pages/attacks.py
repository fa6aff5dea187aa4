"""Write one page for each attack, attack on models and game: ``python -m pages.attacks``.

All text is from the declarations, pictures' figures from ``benchmarks/results/pictures.json``.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from pages.captions import caption, figures
from pages.schemes import FAMILIES, table
from pixelveil.atomic import write_atomic
from pixelveil.attacks import ATTACKS, Attack
from pixelveil.attacks.attack import Access
from pixelveil.attacks.games import GAMES
from pixelveil.attacks.games.game import Game, Scale
from pixelveil.attacks.stem.catalogue import MODEL_ATTACKS
from pixelveil.attacks.stem.model_attack import ModelAttack
from pixelveil.schemes import SCHEMES

__all__ = ["attack_page", "game_page", "index_page", "main", "pages"]

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

SCALES: dict[Scale, str] = {
    "identification": "images that are found among many; chance is one in so many",
    "linking": "pairs that are found to belong together, at a rate of false alarms that is fixed",
    "distinguishing": "answers to which of two it was; chance is one half",
    "inference": "labels that are told from ciphertexts; chance is the largest class",
    "recovery": "secrets that are given back",
    "membership": "training images that are told from others; chance is one half",
}

Kind = type[Attack] | type[ModelAttack] | type[Game]


def pages() -> dict[str, str]:
    """Return the text of every page by its path below ``docs/``."""
    texts = {f"attacks/{name}.md": attack_page(kind) for name, kind in (ATTACKS | MODEL_ATTACKS).items()}
    texts |= {f"games/{name}.md": game_page(kind) for name, kind in GAMES.items()}
    return texts | {"attacks/index.md": index_page()}


def attack_page(kind: type[Attack] | type[ModelAttack]) -> str:
    """Return the page of one attack."""
    of_model = issubclass(kind, ModelAttack)
    parts = [
        *_head(kind),
        _picture(kind, "models" if of_model else "attacks"),
        _story(kind),
        *_applies(kind),
        "" if of_model else _use(kind),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def game_page(kind: type[Game]) -> str:
    """Return the page of one game."""
    needs = "\n\nIt needs the images' labels: one folder for each class." if kind.needs_labels else ""
    asked = f"**What is counted:** {SCALES[kind.scale]}.{needs}"
    return "\n\n".join([*_head(kind), asked, _story(kind), *_applies(kind), _use(kind)]) + "\n"


def index_page() -> str:
    """Return the table of all attacks, by what the attacker has; then all games."""
    parts = [
        "# Attacks",
        "An attack counts only with its controls: it must break what it is known to break, and find nothing in AES-CTR "
        "noise that went the same way. The attacker always knows the scheme and its parameters; never the key. "
        "[Published claims, checked](../claims.md) puts them beside what papers say.",
    ]
    head = ("attack", "what", "cost", "applies to")
    kinds: list[Kind] = [*ATTACKS.values(), *MODEL_ATTACKS.values()]
    for access, words in ACCESS.items():
        some = sorted((kind for kind in kinds if kind.access == access), key=lambda kind: kind.name)
        if some:
            parts += [f"## With {words}", table(head, [_line(kind, "") for kind in some])]
    parts += [
        "## Games",
        "A game asks questions whose right answers are counted against chance: what an attacker can tell without "
        "reading a picture.",
        table(head, [_line(GAMES[name], "../games/") for name in sorted(GAMES)]),
    ]
    return "\n\n".join(parts) + "\n"


def _head(kind: Kind) -> tuple[str, ...]:
    at_least = f", at least {kind.minimum}" if getattr(kind, "minimum", 1) > 1 else ""
    grows = " The more under one key, the better it reads." if getattr(kind, "grows", False) else ""
    return (
        f"# {kind.title}",
        f"`{kind.name}` · {kind.citation}",
        f"**The attacker has:** {ACCESS[kind.access]}{at_least}.{grows}",
        f"**Cost:** {kind.cost}.",
    )


def _story(kind: Kind) -> str:
    """Return idea, formula and what it breaks, as the class itself tells them."""
    story = re.split(r"\n(?:Args|Raises|Returns):\n", inspect.getdoc(kind) or "")[0].strip()
    told = "\n".join(line for line in story.splitlines() if not line.startswith(">>>"))
    return "## How it works\n\n" + told.replace("``", "`")


def _picture(kind: Kind, folder: str) -> str:
    found = figures().get(folder, {}).get(kind.name)
    if found is None:
        return ""
    link = f"![plain, encrypted and read](../pictures/{folder}/{kind.name}.png)"
    return f"{link}\n\n{caption(found)} The scheme is [{found['scheme']}](../schemes/{found['scheme']}.md)."


def _applies(kind: Kind) -> tuple[str, ...]:
    reached, beyond = _reach(kind)
    listed = "\n".join(f"* [{name}](../schemes/{name}.md)" for name in reached)
    found = [f"## What it applies to\n\n{listed or 'No scheme with its defaults.'}"]
    if beyond:
        silent = "That it does not apply is no resistance.\n\n" + table(("scheme", "why"), beyond)
        found.append(f"## What it says nothing about\n\n{silent}")
    return tuple(found)


def _use(kind: Kind) -> str:
    return f"## Use\n\n```\npixelveil audit --scheme NAME --data images --attacks {kind.name} --out report\n```"


def _line(kind: Kind, folder: str) -> tuple[str, ...]:
    return f"[{kind.name}]({folder}{kind.name}.md)", kind.title, kind.cost, ", ".join(_reach(kind)[0])


def _reach(kind: Kind) -> tuple[list[str], list[tuple[str, str]]]:
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
    for folder in ("attacks", "games"):
        (DOCS / folder).mkdir(exist_ok=True)
    for path, text in pages().items():
        write_atomic(DOCS / path, text.encode())


if __name__ == "__main__":
    main()
