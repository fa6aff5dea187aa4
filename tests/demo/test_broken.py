"""Every scheme that the demo shows has something that broke it."""

from pixelveil.demo.broken import ATTACKS
from pixelveil.demo.job import DEMO_SCHEMES
from pixelveil.schemes import SCHEMES


def test_no_scheme_is_spared():
    for name in (*DEMO_SCHEMES, "skk"):
        assert any(attack.scheme == name for attack in ATTACKS)
    assert {attack.scheme for attack in ATTACKS} <= {*SCHEMES, "both"}
    assert all(attack.has and attack.gets and attack.source for attack in ATTACKS)
