"""The page says everything that was found, is complete in itself, and escapes what it is given."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from types import SimpleNamespace

import pytest
from PIL import Image

from pixelveil.attacks.intervals import Interval
from pixelveil.audit.job import AuditSettings, run_audit
from pixelveil.audit.pictures import data_uri, read_pictures
from pixelveil.audit.report import KEY_SPACE, check_templates, headline, render
from pixelveil.audit.requirement import parse_requirement
from pixelveil.audit.trial import AttackTrial
from pixelveil.errors import MissingExtraError

FORBIDDEN = ("secure", "safe", "unbreakable")


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "srcset", "action", "data")]
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def audited(tmp_path_factory, scheme, fakes):
    import numpy as np

    folder = tmp_path_factory.mktemp("report")
    np.savez(folder / "pictures.npz", x=fakes.pictures(240))
    attacks = [fakes.Folding(), fakes.Constant(), fakes.OnlyLe(), fakes.Stumbling(), fakes.Growing()]
    trials = [AttackTrial(attack=attack, positives=fakes.positives) for attack in attacks]
    settings = AuditSettings(
        victims=60,
        seconds=60.0,
        lifetime=True,
        requirements=(parse_requirement("any: ssim<0.5"), parse_requirement("gradients: verdict<LEAK")),
        command="pixelveil audit --scheme skk --data pictures.npz",
    )
    audit = run_audit(scheme, data=folder / "pictures.npz", out=folder / "out", settings=settings, trials=trials)
    return SimpleNamespace(audit=audit, out=folder / "out", page=(folder / "out" / "report.html").read_text())


def flat(page):
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", page)).split())


def test_it_refers_to_nothing_outside_itself(audited):
    parsed = Page(audited.page)
    assert parsed.open == []
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(parsed.tags)
    assert all(address.startswith("data:image/png;base64,") for address in parsed.addresses)
    text = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", audited.page)
    for word in ("://", "url(", "@import"):
        assert word not in text


def test_every_section_is_there(audited):
    headings = re.findall(r"<h2>(.*?)</h2>", audited.page)
    assert headings == [
        "What was required",
        "Who can read it",
        "What attackers see",
        "All attacks",
        "How long a key lasts",
        "Key space",
        "How random it looks",
        "The scheme",
        "The rules",
        "To repeat it",
    ]
    text = flat(audited.page)
    assert KEY_SPACE in text
    assert "pixelveil audit --scheme skk --data pictures.npz" in text
    for name, version in audited.audit.versions.items():
        assert f"{name} {version}" in text
    assert "This page shows plain images." in text
    assert "AES-CTR noise" in text


def test_every_cell_is_there_with_what_became_of_it(audited):
    text = flat(audited.page)
    assert "folding ciphertexts; 144 ciphertexts BROKEN 1.00" in text
    assert "only-le ciphertexts it knows pixel-based schemes alone" in text
    assert "FAILED these images are not to its taste" in text
    assert "NO LEAK FOUND" in text
    assert text.index("This page shows plain images.") < text.index("Who can read it")


def test_requirements_and_curves_are_told(audited):
    text = flat(audited.page)
    assert "any: ssim&lt;0.5 failed folding" in text
    assert "gradients: verdict&lt;LEAK undecided" in text
    assert "a budget above 10 cannot be defended" in text
    assert audited.page.count("<svg") == 1
    assert audited.page.count("<circle") == 6


def test_every_picture_is_a_png(audited):
    pictures = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", audited.page)
    assert len(pictures) == 3 * 3 * 4
    for picture in pictures:
        Image.open(io.BytesIO(base64.b64decode(picture))).verify()
    assert len(read_pictures(audited.out / "cells" / "folding.pictures")) == 3


def test_without_pictures_there_is_none_and_no_notice(audited):
    page = render(audited.audit, pictures={})
    assert "data:image" not in page
    assert "plain images." not in page
    assert "What attackers see" not in page


def test_the_vocabulary_has_no_word_for_safety(audited):
    texts = [audited.page, (audited.out / "report.json").read_text()]
    texts += [path.read_text() for path in (audited.out / "cells").glob("*.json")]
    folder = resources.files("pixelveil.audit")
    texts += [path.read_text() for path in folder.iterdir() if path.name.endswith(".py")]
    texts += [path.read_text() for path in folder.joinpath("templates").iterdir()]
    for text in texts:
        words = re.sub(r"[A-Za-z0-9+/=]{80,}", "", text).lower()
        for word in FORBIDDEN:
            assert not re.search(rf"\b{word}", words), word


def test_names_are_escaped(audited, fakes):
    evil = "<script>alert(1)</script>"
    audit = replace(
        audited.audit,
        scheme={**audited.audit.scheme, "name": evil, "parameters": {evil: evil}, "legacy": evil},
        cells=[fakes.cell(attack=evil, criterion=evil, facts={evil: evil}), fakes.cell(failed=evil)],
        command=evil,
        warnings=[evil],
    )
    page = render(audit, pictures={evil: [(evil, (data_uri(fakes.pictures(1)[0]),) * 4)]})
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        (["BROKEN", "NO LEAK FOUND"], "was broken"),
        (["SERIOUS"], "leaks seriously"),
        (["LEAK"], "leaks on these images"),
        (["NO LEAK FOUND", "NOT APPLICABLE"], "The attacks that ran found no leak"),
        (["NOT APPLICABLE"], "Nothing was decided"),
        (["INCONCLUSIVE"], "Nothing was decided"),
    ],
)
def test_the_headline_claims_no_more_than_was_found(audited, fakes, verdicts, told):
    cells = [fakes.cell(attack=f"a{place}", verdict=verdict) for place, verdict in enumerate(verdicts)]
    audit = replace(audited.audit, cells=cells)
    assert told in headline(audit)
    assert flat(render(audit, pictures={})).count(told) == 1


def test_cells_without_figures_or_ends_are_no_trouble(audited, fakes):
    bare = fakes.cell(kind="game", ssim=None, ssim_control=None, controls={}, gallery=0, reidentification=None)
    single = fakes.cell(attack="one", ssim=Interval(0.5, float("-inf"), float("inf")))
    text = flat(render(replace(audited.audit, cells=[bare, single]), pictures={}))
    assert "–" in text
    assert "inf" not in re.findall(r"\b-?inf\b", text)


def test_a_missing_template_engine_is_said_at_once(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"pixelveil\[audit\]"):
        check_templates()
