from pathlib import Path

import pytest

page = pytest.importorskip("pages.attack_figures", reason="pages are made in a checkout")

DOCS = Path(__file__).resolve().parents[1] / "docs"


def test_the_page_shows_the_committed_figures():
    """If this fails: python -m pages.attack_figures."""
    assert (DOCS / "attack-figures.md").read_text(encoding="utf-8") == page.figures_page(page.read_records())


def test_results_say_where_they_are_from_and_what_is_missing_is_said():
    records = page.read_records()
    assert records.keys() == page.TOPICS.keys()
    text = page.figures_page(records)
    assert all((f"`{topic}`" in text) for topic in page.TOPICS)
    for record in records.values():
        assert record["commit"]
        assert not record["commit"].endswith("-dirty")
        assert record["machine"]["processor"]


def test_rows_become_tables_and_nothing_is_lost():
    record = {
        "results": {
            "curve": [{"images": 1, "ssim": 0.25}, {"images": 2, "ssim_control": None}],
            "seconds": {"leading-bit": 1.5},
        },
        "machine": {"processor": "P", "cores": 2},
        "seconds": 3.2,
        "commit": "abc",
    }
    text = page.figures_page({"pixels": record})
    assert "| images | ssim | ssim control |\n| --- | --- | --- |\n| 1 | 0.25 |  |\n| 2 |  |  |" in text
    assert "### Seconds\n\n| leading-bit |\n| --- |\n| 1.5 |" in text
    assert "commit abc" in text
