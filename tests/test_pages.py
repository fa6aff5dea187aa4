import copy
import json
import re
from pathlib import Path

import pytest
from PIL import Image

pages = pytest.importorskip("pages.schemes", reason="pages are made in a checkout")

from pages import attacks as attack_pages  # noqa: E402 - after the check for a checkout
from pages import claims  # noqa: E402
from pages.captions import caption, figures  # noqa: E402
from pixelveil.attacks import ATTACKS  # noqa: E402
from pixelveil.attacks.games import GAMES  # noqa: E402
from pixelveil.attacks.stem.catalogue import MODEL_ATTACKS  # noqa: E402
from pixelveil.schemes import SCHEMES  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
RESULTS = ROOT / "benchmarks" / "results"
WRITTEN = [ROOT / "README.md", ROOT / "SECURITY.md"] + [
    DOCS / f"{name}.md" for name in ("reading-a-report", "choosing", "limitations", "threat-models")
]
# Made from measurements; missing until those are committed.
MADE = {"claims.md": RESULTS / "attacks-claims.json", "audits.md": RESULTS / "audits"}


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


@pytest.mark.parametrize("path", sorted(attack_pages.pages()))
def test_pages_of_attacks_and_games_say_what_the_program_declares(path):
    """If this fails: python -m pages.attacks."""
    assert (DOCS / path).read_text(encoding="utf-8") == attack_pages.pages()[path]


def test_every_attack_and_game_has_a_page_and_none_that_is_gone():
    assert {path.stem for path in (DOCS / "attacks").glob("*.md")} == {*ATTACKS, *MODEL_ATTACKS, "index"}
    assert {path.stem for path in (DOCS / "games").glob("*.md")} == set(GAMES)


@pytest.mark.parametrize(
    "kind", [*ATTACKS.values(), *MODEL_ATTACKS.values(), *GAMES.values()], ids=lambda one: one.name
)
def test_a_page_has_idea_cost_source_and_reach(kind):
    text = attack_pages.game_page(kind) if kind.name in GAMES else attack_pages.attack_page(kind)
    assert text.startswith(f"# {kind.title}")
    assert all(part in text for part in (kind.citation, kind.cost, "## How it works", "## What it applies to"))


def test_the_page_of_claims_shows_the_committed_figures():
    """If this fails: python -m pages.claims."""
    if not claims.RESULT.exists():
        pytest.skip("the claims were not measured yet: python -m benchmarks.attacks claims")
    record = json.loads(claims.RESULT.read_text(encoding="utf-8"))
    assert claims.PAGE.read_text(encoding="utf-8") == claims.claims_page(record, figures().get("claims", {}))


def _ends(value):
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


def _row(attack, verdict, ssim):
    measures = ("ssim", "ssim_control", "edge_correlation", "edge_correlation_control")
    row = {"attack": attack, "access": "pairs", "scheme": "svd-wang", "parameters": {}, "pairs": 7, "verdict": verdict}
    return row | {"criterion": "as it was found"} | {name: _ends(ssim) for name in measures}


RECORD = {
    "machine": {"processor": "A processor", "cores": 2},
    "seconds": 12.0,
    "commit": "abcdef",
    "results": {
        "images": {"set": "pictures", "shape": [32, 32, 3], "victims": 5, "helpers": 2, "public": 3, "pairs": 7},
        "claims": {
            "lin": {
                "source": "Somebody",
                "says": "something",
                "published": [{"measure": "SSIM", "figure": "< 0.77"}],
                "claimed": [
                    {"attack": "leading-bit", "access": "ciphertexts", "scheme": "svd-wang", "parameters": {}}
                    | {"verdict": "NOT APPLICABLE", "criterion": "nothing to undo"}
                ],
                "stronger": [_row("weak", "LEAK", 0.123), _row("strong", "BROKEN", 0.456)],
            }
        },
    },
}


def test_the_page_of_claims_is_made_of_the_record_alone():
    text = claims.claims_page(RECORD, {})
    assert "SSIM < 0.77" in text
    assert "0.456 [0.446, 0.466]" in text
    assert "**BROKEN**, by `strong`: as it was found" in text
    assert "nothing to undo" in text
    other = copy.deepcopy(RECORD)
    other["results"]["claims"]["lin"]["stronger"][1]["ssim"] = _ends(0.789)
    assert "0.789" in claims.claims_page(other, {})


def test_captions_say_who_read_what_and_what_noise_gives():
    row = {"attack": "some", "access": "pairs", "pairs": 2, "images": 4, "victims": 4, "side": 64}
    row |= {"ssim": 0.5, "ssim_control": 0.25, "edges": 0.75, "edges_control": 0.0}
    text = caption(row)
    assert all(part in text for part in ("`some`", "2 known pairs", "SSIM 0.50", "0.25", "0.75 (0.00)", "64 x 64"))
    assert "Nothing is read" not in text
    assert "Nothing is read" in caption({**row, "ssim": 0.27, "edges": 0.0})
    assert "no resistance" in caption({"scheme": "masked-image"})


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, some in figures().items() for name in some])
def test_every_picture_with_figures_is_there_and_small(kind, name):
    path = DOCS / "pictures" / kind / f"{name}.png"
    assert path.stat().st_size < 60_000
    with Image.open(path) as picture:
        assert picture.height == 128


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_links_of_written_pages_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        target = (path.parent / link).resolve()
        assert target.exists() or not MADE[target.name].exists(), link


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_no_page_calls_a_scheme_what_none_is(path):
    assert not re.search(r"\b(secure|safe|unbreakable)\b", path.read_text(encoding="utf-8"), flags=re.IGNORECASE)


def test_results_that_are_named_are_committed():
    texts = [path.read_text(encoding="utf-8") for path in WRITTEN]
    texts += [attack for kind in SCHEMES.values() for attack in kind.known_attacks]
    for name in re.findall(r"\b((?:attacks-[a-z]+|pictures)\.json)", "\n".join(texts)):
        assert (RESULTS / name).is_file(), name


def test_figures_in_the_security_policy_are_those_of_the_results():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    pixels, pairs, models = (
        json.loads((RESULTS / f"attacks-{name}.json").read_text(encoding="utf-8"))["results"]
        for name in ("pixels", "pairs", "models")
    )
    (folded,) = (
        row
        for row in pixels["cifar-10"]
        if row["attack"] == "leading-bit" and row["parameters"]["shuffle"] == "per_pixel"
    )
    assert f"edge correlation {folded['edges']:.2f} on CIFAR-10" in text
    assert abs(folded["edges_control"]) < 0.01
    turned = {row["pairs"]: row["ssim"] for row in pairs["orthogonal by known images"]}
    assert f"(one pair: {turned[1]:.2f}, four: {turned[4]:.2f}, at 224 x 224)" in text
    (moved,) = (row for row in pairs["known lanes"] if row["scheme"] == "vit-permutation" and row["pairs"] == 1)
    assert f"`vit-permutation` (one pair: SSIM {moved['ssim']:.2f})" in text
    tokens = models["attacks on models with random weights, 224x224, blocks of 16x16, width 768"]
    assert {f"{row['plain-tokens']['ssim']:.2f}" for row in tokens} == {"1.00"}


def _found(name, section, **wanted):
    """Return the first row of committed results with these values."""
    results = json.loads((RESULTS / f"attacks-{name}.json").read_text(encoding="utf-8"))["results"]
    return next(
        row
        for row in results[section]
        if all(row.get(field, row.get("parameters", {}).get(field)) == value for field, value in wanted.items())
    )


@pytest.mark.parametrize(
    ("scheme", "text", "name", "section", "wanted", "figure"),
    [
        (
            "skk",
            "SSIM {:.2f} and edge",
            "pixels",
            "cifar-10",
            {"attack": "leading-bit", "shuffle": "per_pixel"},
            "ssim",
        ),
        ("skk-g", "correlation {:.2f} on CIFAR-10", "pixels", "cifar-10", {"attack": "deconvolution"}, "edges"),
        ("huang", "correlation {:.2f}, on noise", "pixels", "cifar-10", {"scheme": "huang"}, "edges"),
        ("svd-wang", "SSIM {:.2f} with factor=image", "pairs", "cifar-10 factorizations", {"factor": "image"}, "ssim"),
        ("svd-wang", "{:.2f} with factor=left", "pairs", "cifar-10 factorizations", {"factor": "left"}, "ssim"),
        ("svd-popescu", "SSIM {:.2f}, on noise", "pairs", "cifar-10 factorizations", {"variant": "basis"}, "ssim"),
        ("etc-gray", "SSIM {:.2f} (attacks-pairs.json)", "pairs", "known lanes", {"side": 224, "pairs": 1}, "ssim"),
        ("vit-orthogonal", "SSIM {:.2f} with one", "pairs", "orthogonal by known images", {"pairs": 1}, "ssim"),
        ("vit-permutation", "SSIM {:.2f} (attacks-pairs.json)", "pairs", "known lanes", {"pairs": 1}, "ssim"),
    ],
)
def test_figures_among_known_attacks_are_those_of_the_results(scheme, text, name, section, wanted, figure):
    if section == "cifar-10 factorizations":
        wanted = {"pairs": 10, **wanted}
    row = _found(name, section, **{"scheme": scheme, **wanted})
    assert text.format(row[figure]) in " ".join(SCHEMES[scheme].known_attacks)
