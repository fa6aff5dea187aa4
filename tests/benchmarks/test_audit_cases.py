from benchmarks.audit_cases import CASES
from pixelveil.schemes import SCHEMES


def test_every_scheme_of_the_catalogue_is_audited():
    assert {case.scheme for case in CASES.values()} == set(SCHEMES)


def test_the_policy_is_the_one_of_the_case_or_else_of_the_scheme():
    policies = {name: CASES[name].key_policy for name in ("skk", "skk-shared", "tanaka-le", "madono-ele-derived")}
    assert policies == {
        "skk": SCHEMES["skk"]().key_policy,
        "skk-shared": "shared",
        "tanaka-le": "shared",
        "madono-ele-derived": "derived",
    }
    assert policies["skk"] != "shared"


def test_options_are_those_of_the_command_line():
    assert CASES["skk-shared"].options(block_size=4) == ["-p", "key-policy=shared"]
    assert CASES["etc-color"].options(block_size=8) == ["-p", "block-size=8"]
