import numpy as np
import pytest

from pixelveil import Key, create_scheme
from pixelveil.attacks import Budget, Evidence, Pairs
from pixelveil.attacks.ciphertexts.brute_force import BruteForce, KeySpace, key_space, search_seeds
from pixelveil.schemes.legacy.material import legacy_from_arrays, legacy_from_seed

SEED = 77
CASES = [
    ("tanaka-le", {}, "numpy"),
    ("madono-ele", {}, "numpy-generator"),
    ("etc-color", {"block_size": 4}, "python"),
    ("smkk", {}, "numpy"),
    ("vit-permutation", {"block_size": 4, "invert": False}, "numpy"),
]


def seeded(name, parameters, rng, plain, *, seed=SEED):
    scheme = create_scheme(name, **parameters)
    asset = legacy_from_seed(scheme, seed=seed, rng=rng, shape=plain.shape[1:])
    return scheme, scheme.bind(asset).encrypt(plain, key=Key.generate(budget=100)).images


@pytest.mark.parametrize(("name", "parameters", "rng"), CASES)
def test_a_small_seed_is_found(photographs, name, parameters, rng):
    plain = photographs(32, 4)
    scheme, encrypted = seeded(name, parameters, rng, plain)
    evidence = Evidence(scheme=scheme, ciphertexts=encrypted, shape=plain.shape[1:], victims=len(plain))
    found = BruteForce(bits=7).run(evidence)
    np.testing.assert_array_equal(found.images, plain)
    assert found.facts["seed"] == SEED
    assert found.facts["generator"] == rng
    assert found.facts["key found"] == 1


def test_a_known_pair_ends_the_search(photographs):
    plain = photographs(32, 4)
    scheme, encrypted = seeded("tanaka-le", {}, "numpy", plain)
    pairs = Pairs(plain=plain[:1], encrypted=encrypted[:1])
    found = search_seeds(scheme, encrypted[1:], generators=("numpy",), bits=16, pairs=pairs)
    assert (found.seed, found.tried, found.margin) == (SEED, SEED + 1, np.inf)


def test_a_key_is_not_found(photographs, held):
    plain = photographs(32, 4)
    for name in ("tanaka-le", "smkk"):
        found = BruteForce(bits=7).run(held(create_scheme(name), plain))
        assert found.facts["key found"] == 0, name
        assert found.images.shape == plain.shape
        assert len(np.unique(found.images)) == 1, "the best of many wrong keys is no reading"


def test_noise_under_a_seed_is_not_found():
    noise = np.random.default_rng(0).integers(256, size=(2, 32, 32, 3), dtype=np.uint8)
    scheme, encrypted = seeded("tanaka-le", {}, "numpy", noise)
    evidence = Evidence(scheme=scheme, ciphertexts=encrypted, shape=noise.shape[1:], victims=2)
    assert BruteForce(bits=7).run(evidence).facts["key found"] == 0


def test_time_and_progress(photographs):
    plain = photographs(32, 4)
    scheme, encrypted = seeded("smkk", {}, "numpy", plain)
    seen = []
    found = search_seeds(
        scheme,
        encrypted,
        generators=("numpy",),
        bits=16,
        budget=Budget(seconds=0),
        advance=lambda *step: seen.append(step),
    )
    assert found.tried <= 257
    assert seen[0] == (0, 1 << 16)


def test_key_spaces(photographs):
    plain = photographs(32, 4)
    scheme = create_scheme("tanaka-le")
    asset = legacy_from_seed(scheme, seed=SEED, rng="numpy", shape=plain.shape[1:])
    space = key_space(scheme.bind(asset), shape=plain.shape[1:])
    assert (round(space.nominal), space.effective) == (594, 32)
    arrays = legacy_from_arrays(scheme, arrays={"": np.arange(96)[::-1]}, shape=plain.shape[1:])
    assert key_space(scheme.bind(arrays), shape=plain.shape[1:]).effective == space.nominal
    tiny = key_space(create_scheme("vit-compressible"), shape=(16, 16, 3))
    assert tiny.effective == pytest.approx(30.9, abs=0.1)
    assert KeySpace(nominal=594.0, effective=32.0).years(rate=1e6) < 1e-3
    assert KeySpace(nominal=594.0, effective=256.0).years(rate=1e12) > 1e50


def test_where_it_does_not_apply():
    assert BruteForce().obstacle(create_scheme("skk"))
    for name in ("vit-orthogonal", "vit-permutation", "svd-wang"):
        assert "no public program" in BruteForce().obstacle(create_scheme(name)), name
