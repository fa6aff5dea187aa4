import json
from pathlib import Path

import pytest
from PIL import Image

pages = pytest.importorskip("pages.schemes", reason="pages are made in a checkout")

from pixelveil.schemes import SCHEMES  # noqa: E402 - after the check for a checkout

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


def test_the_page_on_speed_shows_the_committed_figures():
    """If this fails: python -m pages.speed."""
    from pages.speed import speed_page

    record = json.loads((ROOT / "benchmarks" / "results" / "schemes.json").read_text(encoding="utf-8"))
    assert (DOCS / "speed.md").read_text(encoding="utf-8") == speed_page(record)
    timed = {label.removeprefix("encrypt: ").split(" (")[0] for label in record["results"]["32x32"]}
    assert {name for name, kind in SCHEMES.items() if not kind.needs_asset} <= timed


@pytest.mark.parametrize("path", sorted(pages.pages()))
def test_pages_say_what_the_program_declares(path):
    """If this fails: python -m pages.schemes."""
    assert (DOCS / path).read_text(encoding="utf-8") == pages.pages()[path]


def test_there_is_no_page_of_a_scheme_that_is_gone():
    assert {path.stem for path in (DOCS / "schemes").glob("*.md")} == {*SCHEMES, "index"}


@pytest.mark.parametrize("name", sorted(SCHEMES))
def test_every_page_has_its_picture_and_what_breaks_the_scheme(name):
    kind = SCHEMES[name]
    text = pages.scheme_page(kind)
    assert kind.protects in text
    assert kind.exposes in text
    assert all(attack in text for attack in kind.known_attacks)
    assert all(f"`{parameter}`" in text for parameter in kind().parameters)
    if "weights" in kind.asset_kinds:
        assert "No picture here" in text
        return
    with Image.open(DOCS / "pictures" / "schemes" / f"{name}.png") as picture:
        assert picture.height >= 128
