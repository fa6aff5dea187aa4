"""The page is complete in itself, says everything, and escapes what it is given."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from pixelveil.demo.broken import ATTACKS
from pixelveil.demo.report import Gallery, PictureRow, render
from pixelveil.models import PROTECTION


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "srcset", "action", "data")]
        if tag not in ("meta", "img", "line", "circle", "polyline", "br", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def page(tiny_run):
    return (tiny_run.out / "report.html").read_text()


def test_it_refers_to_nothing_outside_itself(page):
    parsed = Page(page)
    assert parsed.open == []
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(parsed.tags)
    assert parsed.addresses
    assert all(address.startswith("data:image/png;base64,") for address in parsed.addresses)
    text = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", page)
    assert "://" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_every_picture_is_a_png(page):
    pictures = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    assert len(pictures) >= 4 * 5 + 2 * 8 + 4
    for picture in pictures:
        Image.open(io.BytesIO(base64.b64decode(picture))).verify()


def test_it_says_what_is_protected_and_what_broke_it(page):
    flat = " ".join(page.split()).replace("&#39;", "'")
    for sentence in PROTECTION.split(".\n"):
        assert " ".join(sentence.split()).rstrip(".") in flat
    for attack in ATTACKS:
        assert attack.gets in flat
    for words in ("rescaled", "wrong key", "without a key", "All accuracies are in percent"):
        assert words in flat


def test_it_names_no_machine_and_no_folder(tiny_run, page):
    import platform

    assert str(tiny_run.out) not in page
    assert platform.node() not in page or len(platform.node()) < 4


def empty(scheme="s"):
    return Gallery(scheme=scheme, note="", rows=())


def rendered(result, **changes):
    options = {"galleries": [empty()], "fold": empty(), "samples": [], "protection": "It helps.\nIt may\nnot."}
    return render(result, **options | changes)


def test_names_of_the_user_are_escaped(tiny_run):
    evil = "<script>alert(1)</script>"
    data = replace(tiny_run.result.data, name=evil, classes=(evil, *tiny_run.result.data.classes[1:]))
    pixels = np.zeros((2, 2, 3), np.uint8)
    row = PictureRow(title=evil, credit=evil, views=((evil, pixels),))
    page = rendered(
        replace(tiny_run.result, data=data),
        galleries=[Gallery(scheme="s", note=evil, rows=(row,))],
        samples=[(evil, pixels, pixels)],
    )
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_answers_above_chance_without_the_key_are_named(tiny_run):
    result = replace(tiny_run.result, chance=10.0)
    quiet = [
        replace(
            entry,
            wrong_key_accuracies=(10.0, 9.0),
            plain_model_on_encrypted_accuracy=11.0,
            encrypted_model_on_plain_accuracy=3.0,
        )
        for entry in result.schemes
    ]
    assert "Above chance" not in rendered(replace(result, schemes=tuple(quiet)))
    loud = (quiet[0], replace(quiet[1], plain_model_on_encrypted_accuracy=30.0))
    assert f"{quiet[1].scheme}, plain model on encrypted images" in rendered(replace(result, schemes=loud))


def test_what_was_set_aside_is_said(tiny_run):
    data = replace(tiny_run.result.data, moved=534, given_test_accuracy=93.25, left_out=3)
    page = " ".join(rendered(replace(tiny_run.result, data=data)).split())
    assert "534 test images were set aside" in page
    assert "93.2 %" in page or "93.3 %" in page
    assert "3 files could not be read" in page
    assert "set aside" not in rendered(tiny_run.result)
