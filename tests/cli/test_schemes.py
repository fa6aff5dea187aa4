import json
import math
import subprocess
import sys
from itertools import groupby
from typing import get_args

import pytest

from pixelveil.schemes import SCHEMES, create_scheme, list_schemes
from pixelveil.schemes.published import PUBLISHED
from pixelveil.schemes.scheme import Family


def run(*words):
    return subprocess.run([sys.executable, "-m", "pixelveil", "schemes", *words], capture_output=True, text=True)


def test_the_list_has_every_scheme_with_what_breaks_it():
    facts = json.loads(run("--json").stdout)["schemes"]
    assert [entry["name"] for entry in facts] == list(list_schemes())
    for entry in facts:
        assert entry["known_attacks"]
        assert entry["citation"]
    told = run().stdout
    assert all(name in told for name in list_schemes())


def test_the_list_goes_by_family():
    """All of a family stand together, under its heading, in the order in which families are declared."""
    told = run().stdout
    places = {name: told.index(f" {name} ") for name in list_schemes()}
    families = [SCHEMES[name].family for name in sorted(places, key=places.__getitem__)]
    assert [family for family, _ in groupby(families)] == [one for one in get_args(Family) if one in families]
    assert told.index("BROKEN IN") < min(places["instahide"], places["neuracrypt"])


@pytest.mark.parametrize("name", list_schemes())
def test_one_scheme_in_full(name):
    told = run("show", name).stdout
    facts = json.loads(run("show", name, "--json").stdout)
    assert facts["key_bits"] == pytest.approx(sum(step["key_bits"] for step in facts["steps"]))
    assert facts["citation"] in told
    kind = SCHEMES[name]
    assert (facts["family"], facts["policies"]) == (kind.family, list(kind.policies))
    assert facts["protects"] in told
    assert facts["exposes"] in told
    assert facts["sizes"] in told
    assert facts["jpeg_obstacle"] in told
    assert facts["encrypted_size"] == list(create_scheme(name).encrypted_shape((224, 224, 3)))
    assert all(kind in told for kind in facts["asset_kinds"])
    assert all(attack in told for attack in facts["known_attacks"])
    assert [figure["encrypted"] for figure in facts["published"]] == [one.encrypted for one in PUBLISHED.get(name, ())]
    assert all(f"{figure['encrypted']:.2f} %" in told for figure in facts["published"])


def test_parameters_and_size_count():
    small = json.loads(run("show", "vit-permutation", "-p", "block_size=8", "--size", "32x32", "--json").stdout)
    assert small["parameters"]["block_size"] == 8
    assert small["image_size"] == [32, 32]
    factorials = sum(math.log2(number) for size in (192, 16) for number in range(1, size + 1))
    assert small["key_bits"] == pytest.approx(factorials + 192)


@pytest.mark.parametrize("words", [["show", "rot13"], ["show", "skk", "--size", "big"], ["show", "skk", "-p", "x=1"]])
def test_wrong_names_and_sizes_are_refused(words):
    done = run(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("pixelveil: ")


@pytest.mark.parametrize("size", ["²x4", "0x4", "4", "x", "4x9999999"])
def test_a_size_is_two_numbers(size):
    refused = run("show", "skk", "--size", size)
    assert refused.returncode == 2
    assert f"--size {size!r} is not HEIGHTxWIDTH" in refused.stderr


def test_blocks_that_jpeg_cuts_do_not_survive_it():
    facts = json.loads(run("show", "etc-color", "-p", "block-size=4", "--json").stdout)
    assert facts["jpeg_obstacle"].startswith(
        "etc-color moves blocks of 4x4 pixels, but JPEG 4:4:4 codes squares of 8x8"
    )
    assert json.loads(run("show", "etc-color", "--json").stdout)["jpeg_obstacle"] == ""
