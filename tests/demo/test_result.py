"""The result is JSON, in percent, rounded, with the chosen scheme on top."""

import json
from dataclasses import replace


def test_it_is_json_and_the_file_is_the_same(tiny_run):
    text = json.dumps(tiny_run.result.to_json())
    assert json.loads(text) == json.loads((tiny_run.out / "result.json").read_text())


def test_the_top_is_the_chosen_scheme(tiny_run):
    first, second = tiny_run.result.schemes
    swapped = replace(tiny_run.result, schemes=(second, replace(first, plain_accuracy=1.0)))
    answer = swapped.to_json()
    assert answer["scheme"] == second.scheme
    assert answer["wrong_key_accuracy"] == float(f"{second.wrong_key_accuracy:.6g}")
    assert answer["schemes"][first.scheme]["plain_accuracy"] == 1.0
    assert answer["unit_of_accuracy"] == "percent"


def test_noise_digits_are_dropped(tiny_run):
    answer = replace(tiny_run.result, chance=100 / 3, seconds=123456.789).to_json()
    assert (answer["chance"], answer["seconds"]) == (33.3333, 123457)
