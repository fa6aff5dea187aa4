import re
from dataclasses import replace

import pytest

from pixelveil.attacks.intervals import Interval
from pixelveil.audit.compare import attack_rows, differences, render_comparison
from pixelveil.audit.result import Audit
from pixelveil.errors import UsageError


@pytest.fixture
def audits(fakes):
    def one(name, *cells, **data):
        return Audit(
            scheme={
                "name": name,
                "key_policy": "shared",
                "digest": "0123456789",
                "parameters": {"block_size": 4},
                "key_bits": 3000.0,
            },
            data={"digest": "d" * 64, "victims": 60, "helpers": 90, "shape": [16, 16, 3], **data},
            cells=cells,
            settings={"seconds": 600.0},
            versions={"pixelveil": "0.1.0"},
        )

    noise = Interval(0.07, 0.0, 0.1)
    return [
        one("skk", fakes.cell(attack="a", verdict="BROKEN"), fakes.cell(attack="b", access="pairs")),
        one("tanaka-le", fakes.cell(attack="a", verdict="NOT APPLICABLE"), fakes.cell(attack="c", ssim_control=noise)),
    ]


def test_a_row_for_each_attack_by_what_it_needs(audits):
    rows = attack_rows(audits)
    assert [(row.attack, row.access) for row in rows] == [
        ("a", "ciphertexts"),
        ("c", "ciphertexts"),
        ("b", "pairs"),
    ]
    assert rows[1].cells == (None, audits[1].cells[1])
    assert (rows[0].noise, rows[1].noise) == (0.02, 0.07)


def test_the_page(audits):
    page = render_comparison(audits)
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "2 schemes under the same attacks" in text
    assert "grade BROKEN NO LEAK FOUND" in text
    assert "not run" in text
    assert "sees encrypted images and nothing else broken a holds" in text
    assert "inconclusive or failed" not in text
    for word in ("<script", "://", "url(", "data:image"):
        assert word not in page


def test_what_is_open_stands_beside_the_grade(audits, fakes):
    open_ = replace(audits[1], cells=[fakes.cell(), fakes.cell(attack="x", verdict="INCONCLUSIVE", failed="no time")])
    assert "1 inconclusive or failed" in render_comparison([audits[0], open_])


def test_what_cannot_be_compared_is_said(audits):
    assert differences(audits) == []
    other = replace(
        audits[1],
        data={**audits[1].data, "digest": "e"},
        settings={"seconds": 60.0},
        versions={"pixelveil": "9"},
    )
    found = differences([audits[0], other])
    assert len(found) == 3
    assert "different images" in found[0]
    assert found[0] in render_comparison([audits[0], other])


def test_two_columns_of_one_scheme_are_told_apart(audits):
    other = replace(audits[0], scheme={**audits[0].scheme, "key_policy": "derived"})
    page = render_comparison([audits[0], other])
    assert "skk (shared, 012345)" in page
    assert "skk (derived, 012345)" in page


def test_one_audit_is_no_comparison(audits):
    with pytest.raises(UsageError):
        render_comparison(audits[:1])
