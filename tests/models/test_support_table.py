import json
from dataclasses import replace

import numpy as np
import pytest

from pixelveil.errors import IntegrityError, VerificationError
from pixelveil.models import support_table
from pixelveil.models.support_cases import CASES, Case, build
from pixelveil.models.support_table import CONTROLS, TABLE, prove, read_table, write_table
from pixelveil.models.verify import FLOAT32_TOLERANCE, FLOAT64_TOLERANCE

NAMES = [f"{case.library} {case.name}" for case in CASES]
QUICK = [case for case in CASES if case.quick]


def test_names_are_unique_and_many():
    assert len(set(NAMES)) == len(NAMES)
    assert sum(case.order for case in CASES) >= 40
    assert {case.library for case in CASES} == {"timm", "transformers", "torchvision"}


def test_the_committed_table_lists_exactly_the_cases():
    rows = read_table()["rows"]
    assert [f"{row['library']} {row['name']}" for row in rows] == NAMES
    assert [row["block_scrambling"] for row in rows] == [case.order for case in CASES]


def test_the_committed_figures_are_within_the_tolerances():
    for row in read_table()["rows"]:
        assert row["difference_float64"] <= FLOAT64_TOLERANCE, row["name"]
        assert row["difference_float32"] <= FLOAT32_TOLERANCE, row["name"]
        assert row["signed_float64"] <= FLOAT64_TOLERANCE, row["name"]
        assert row["dense_float64"] <= FLOAT64_TOLERANCE, row["name"]
        controls = [row[name] for name in CONTROLS]
        assert all(change > 1e-3 for change in controls if change is not None), row["name"]
        assert (row["wrong_order"] is None) == (not row["block_scrambling"]) == bool(row["reason"]), row["name"]


def test_the_table_says_where_its_figures_come_from():
    table = read_table()
    assert table["machine"]["processor"]
    assert {"torch", "timm", "transformers"} <= set(table["versions"])
    assert table["commit"]


@pytest.mark.parametrize("case", QUICK, ids=lambda case: f"{case.library} {case.name}")
def test_quick_cases_are_proven_again(case):
    assert prove(case).architecture == type(build(case)).__name__


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if not case.quick], ids=lambda c: f"{c.library} {c.name}")
def test_all_cases_are_proven_again(case):
    prove(case)


def test_a_proof_fails_where_the_weights_hide_the_positions(monkeypatch):
    """A class token that attends to all patches alike cannot tell their order: the control must notice."""
    case = Case(
        "x", "timm", "vit_base_patch16_gap_224", {"depth": 1, "embed_dim": 24, "num_heads": 3, "img_size": 32}, 32
    )

    def without_positions(chosen):
        model = build(chosen)
        model.pos_embed.data.zero_()
        return model

    monkeypatch.setattr(support_table, "build", without_positions)
    with pytest.raises(VerificationError, match="wrong order changes the answers by"):
        prove(case)


def test_a_proof_fails_where_an_adapter_forgets_a_table(monkeypatch):
    case = next(case for case in CASES if case.name == "YOLOS, other size")
    described = support_table.settle_and_describe

    def forgetful(model, *, image_size):
        layout = described(model, image_size=image_size)
        kept = tuple(gather for gather in layout.gathers if "mid_position" not in gather.name)
        return replace(layout, gathers=kept)

    for place in ("pixelveil.models.encrypt", "pixelveil.models.verify", "pixelveil.models.support_table"):
        monkeypatch.setattr(f"{place}.settle_and_describe", forgetful)
    with pytest.raises(VerificationError, match="answers differently"):
        prove(case)


def test_a_table_is_written_and_read(tmp_path):
    row = prove(next(case for case in QUICK if case.name == "ViT-Ti/16"))
    written = write_table([row, replace(row, wrong_order=None)], path=tmp_path / "table.json")
    assert read_table(tmp_path / "table.json") == json.loads(json.dumps(written))
    assert written["rows"][0]["difference_float64"] == float(f"{row.difference_float64:.1e}")
    assert written["rows"][1]["wrong_order"] is None


@pytest.mark.parametrize("content", ["", "{}", '{"format": 1}'])
def test_a_table_of_another_format_is_refused(tmp_path, content):
    (tmp_path / "table.json").write_text(content)
    with pytest.raises(IntegrityError, match="support --prove"):
        read_table(tmp_path / "table.json")


def test_cases_are_built_the_same_each_time():
    first, second = build(QUICK[0]), build(QUICK[0])
    assert all(
        np.array_equal(a.detach(), b.detach()) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )
    assert TABLE.name == "support.json"
