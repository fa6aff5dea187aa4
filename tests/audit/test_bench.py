import numpy as np
import pytest

from pixelveil.audit.bench import Bench


@pytest.fixture
def bench(scheme, images):
    return Bench(scheme=scheme, images=images)


@pytest.mark.parametrize(
    ("access", "public", "pairs", "oracle"),
    [
        ("ciphertexts", False, False, False),
        ("public images", True, False, False),
        ("pairs", True, True, False),
        ("oracle", True, True, True),
    ],
)
def test_an_attacker_is_given_what_the_access_says_and_no_more(bench, access, public, pairs, oracle):
    evidence = bench.evidence(access)
    assert (evidence.public is not None, evidence.pairs is not None, evidence.oracle is not None) == (
        public,
        pairs,
        oracle,
    )
    assert evidence.victims == len(bench.images.victims)
    assert len(evidence.ciphertexts) == len(bench.images.victims) + len(bench.images.helpers)


def test_pairs_and_oracle_are_under_the_victims_key(bench):
    evidence = bench.evidence("oracle")
    assert (evidence.oracle(bench.images.victims) == evidence.ciphertexts[:60]).all()
    assert (evidence.oracle(evidence.pairs.plain) == evidence.pairs.encrypted).all()


def test_every_bench_has_a_key_of_its_own(bench):
    plain = bench.images.victims
    assert (bench.encrypt(plain) == bench.encrypt(plain)).all()
    assert (bench.renewed().encrypt(plain) != bench.encrypt(plain)).any()
    assert "key" not in repr(bench).replace("key_policy", "")


def test_some_places_and_pairs_can_be_chosen(bench):
    places = np.array([5, 80, 2])
    evidence = bench.evidence("pairs", places=places, victims=1, pairs=2)
    assert (evidence.ciphertexts == bench.encrypt(bench.images.encrypted[places])).all()
    assert (evidence.victims, len(evidence.pairs.plain)) == (1, 2)
