import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelveil.attacks.intervals import Interval
from pixelveil.audit.requirement import answer, parse_requirement
from pixelveil.errors import UsageError


def told(text, *cells):
    return answer(parse_requirement(text), cells).outcome


@pytest.mark.parametrize(
    ("text", "access", "measure"),
    [
        ("ciphertext-only: ssim<0.2", "ciphertexts", "ssim"),
        ("ciphertexts: edges < .1", "ciphertexts", "edges"),
        ("public images:information<0.05", "public images", "information"),
        ("any: reidentification<0.05", None, "reidentification"),
        (" pairs : verdict < NO LEAK FOUND ", "pairs", "verdict"),
    ],
)
def test_what_can_be_said(text, access, measure):
    found = parse_requirement(text)
    assert (found.access, found.measure, found.text) == (access, measure, text.strip())


@pytest.mark.parametrize(
    "text",
    [
        *("", "ssim<0.2", "any: ssim", "any: ssim>0.2", "any: ssim<=0.2", "any: beauty<1", "luck: ssim<0.2"),
        *(
            "any: ssim<high",
            "any: verdict<FINE",
            "any: verdict<3",
            "any: ssim<0.2; pairs: ssim<1",
            "any: ssim<nan",
            "any: ssim<inf",
        ),
    ],
)
def test_what_cannot(text):
    with pytest.raises(UsageError):
        parse_requirement(text)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(UsageError):
        parse_requirement(text)


def test_a_figure_counts_with_its_interval(fakes):
    def cell(value, low, high):
        return fakes.cell(ssim=Interval(value, low, high))

    assert told("any: ssim<0.2", cell(0.1, 0.05, 0.15)) == "met"
    assert told("any: ssim<0.2", cell(0.15, 0.05, 0.25)) == "undecided"
    assert told("any: ssim<0.2", cell(0.2, 0.15, 0.25)) == "failed"
    assert told("any: ssim<0.2", cell(0.1, 0.05, 0.15), cell(0.3, 0.2, 0.4)) == "failed"


def test_verdicts_are_in_order(fakes):
    assert told("any: verdict<SERIOUS", fakes.cell(verdict="LEAK")) == "met"
    assert told("any: verdict<SERIOUS", fakes.cell(verdict="SERIOUS")) == "failed"
    assert told("any: verdict<SERIOUS", fakes.cell(verdict="BROKEN")) == "failed"
    assert told("any: verdict<LEAK", fakes.cell()) == "met"


def test_what_was_not_tested_is_not_met(fakes):
    assert told("any: ssim<0.9") == "undecided"
    assert told("any: ssim<0.9", fakes.cell(verdict="NOT APPLICABLE", ssim=None)) == "undecided"
    assert told("pairs: verdict<LEAK", fakes.cell()) == "undecided"
    assert told("any: verdict<LEAK", fakes.cell(kind="lifetime")) == "undecided"


def test_what_proves_nothing_is_not_met(fakes):
    assert told("any: verdict<LEAK", fakes.cell(), fakes.cell(verdict="INCONCLUSIVE")) == "undecided"
    failed = answer(parse_requirement("any: ssim<0.9"), [fakes.cell(verdict="INCONCLUSIVE", failed="no time")])
    assert (failed.outcome, failed.reason) == ("undecided", "some: no time")


def test_less_access_counts_more_does_not(fakes):
    low, high = fakes.cell(verdict="BROKEN"), fakes.cell(access="pairs")
    assert told("pairs: verdict<LEAK", low, high) == "failed"
    assert told("ciphertext-only: verdict<LEAK", fakes.cell(), fakes.cell(access="pairs", verdict="BROKEN")) == "met"
    assert told("gradients: verdict<LEAK", low, high) == "undecided"


def test_a_game_without_the_figure_says_nothing_about_it(fakes):
    game = fakes.cell(kind="game", ssim=None)
    assert told("any: ssim<0.2", game) == "undecided"
    assert told("any: ssim<0.2", game, fakes.cell()) == "met"
