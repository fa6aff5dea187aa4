"""The committed audits: every scheme has one on every set of images, and the page says what they say."""

import json
from pathlib import Path

import pytest

pytest.importorskip("pages.audits", reason="pages are made in a checkout")

from benchmarks.audit_cases import CASES
from pages import audits as page
from pixelveil.audit import read_audit
from pixelveil.schemes import SCHEMES, create_scheme

ROOT = Path(__file__).resolve().parents[1]


def test_every_scheme_is_a_case():
    assert {case.scheme for case in CASES.values()} == set(SCHEMES)


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_parameters_of_a_case_are_the_schemes(name):
    options = CASES[name].options(block_size=4)
    given = dict(word.split("=") for word in options if "=" in word)
    asset = {"asset": "0" * 64} if SCHEMES[CASES[name].scheme].needs_asset else {}
    known = create_scheme(CASES[name].scheme, **asset)
    assert {word.replace("-", "_") for word in given} <= set(known.parameters)


def test_the_page_shows_the_committed_audits():
    """If this fails: python -m pages.audits."""
    assert (ROOT / "docs" / "audits.md").read_text(encoding="utf-8") == page.audits_page()


@pytest.mark.parametrize("images", sorted(page.SETS))
def test_every_scheme_is_audited_on_every_set(images):
    assert {CASES[name].scheme for name in page.read_all(images)} == set(SCHEMES)


FOLDERS = sorted(path.parent.relative_to(ROOT / "audits").as_posix() for path in ROOT.glob("audits/*/*/report.json"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_committed_audit_is_of_its_case_and_shows_no_picture(folder):
    name, folder = folder.split("/")[1], ROOT / "audits" / folder
    audit = read_audit(folder)
    assert audit.scheme["name"] == CASES[name].scheme
    assert audit.data["victims"] >= 200
    assert audit.commit
    assert not audit.commit.endswith("-dirty")
    assert "data:image/png" not in (folder / "report.html").read_text(encoding="utf-8")
    assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["grade"] == audit.grade


@pytest.mark.parametrize("images", sorted(page.SETS))
def test_noise_from_a_cipher_is_the_reference_and_shows_no_leak(images):
    """Of a real cipher nothing may be found; else the attacks see what is not there."""
    audit = read_audit(ROOT / "audits" / images / "xor-stream")
    assert audit.grade == "NO LEAK FOUND"
