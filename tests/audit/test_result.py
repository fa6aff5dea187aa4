import json
from dataclasses import replace

import pytest

from pixelveil.audit.requirement import answer, parse_requirement
from pixelveil.audit.result import Audit, read_audit
from pixelveil.errors import IntegrityError, UsageError


@pytest.fixture
def audit(fakes):
    cells = [fakes.cell(), fakes.cell(attack="other", verdict="LEAK"), fakes.cell(kind="lifetime", images=5)]
    answers = [answer(parse_requirement("any: verdict<BROKEN"), cells)]
    return Audit(
        scheme={"name": "skk"},
        data={"digest": "d"},
        cells=cells,
        answers=answers,
        appearance=[],
        warnings=[],
        command="c",
    )


def test_there_and_back(tmp_path, audit):
    (tmp_path / "report.json").write_text(json.dumps(audit.to_json()))
    found = read_audit(tmp_path)
    assert found == audit
    assert found.to_json() == audit.to_json()


def test_the_summary_stands_in_the_file(audit):
    content = audit.to_json()
    assert content["grade"] == "LEAK"
    assert content["threat_models"][0]["status"] == "leaks"
    assert content["requirements"][0]["outcome"] == "met"
    assert content["lifetime"][0]["quiet_until"] == 5


def test_the_grade_is_counted_again_and_not_believed(tmp_path, audit):
    (tmp_path / "report.json").write_text(json.dumps({**audit.to_json(), "grade": "NO LEAK FOUND"}))
    assert read_audit(tmp_path).grade == "LEAK"


def test_what_is_no_audit_is_refused(tmp_path, audit):
    with pytest.raises(UsageError, match="finished"):
        read_audit(tmp_path)
    for text in ("{", "[]", "{}", json.dumps({**audit.to_json(), "format": "v0"}), json.dumps({"format": 1})):
        (tmp_path / "report.json").write_text(text)
        with pytest.raises(IntegrityError):
            read_audit(tmp_path)
    without = audit.to_json()
    del without["cells"][0]["verdict"]
    (tmp_path / "report.json").write_text(json.dumps(without))
    with pytest.raises(IntegrityError):
        read_audit(tmp_path)


def test_an_empty_grid_decides_nothing(audit):
    assert replace(audit, cells=[]).grade == "INCONCLUSIVE"
