import pytest

from pixelveil import create_scheme
from pixelveil.attacks.games import judge_game
from pixelveil.attacks.games.seed import Seed
from pixelveil.schemes.legacy.material import legacy_from_seed


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("name", "parameters"), [("tanaka-le", {}), ("vit-permutation", {"invert": False})])
def test_small_seeds_are_found(name, parameters, known, deck_of):
    result = Seed(bits=7, trials=3, known=known).play(create_scheme(name, **parameters), deck_of(4))
    assert result.hits == result.trials == 3
    assert result.facts["seeds a second"] > 0
    assert judge_game(result, positive_passed=True).verdict == "BROKEN"


def test_material_of_another_program_is_what_is_attacked(deck_of):
    scheme = create_scheme("tanaka-le")
    weak = scheme.bind(legacy_from_seed(scheme, seed=93, rng="numpy", shape=(32, 32, 3)))
    assert Seed(bits=7).play(weak, deck_of(4)).hits == 1
    strong = scheme.bind(legacy_from_seed(scheme, seed=2**31 + 5, rng="numpy", shape=(32, 32, 3)))
    assert Seed(bits=7).play(strong, deck_of(4)).hits == 0


@pytest.mark.parametrize("known", [True, False])
def test_keys_of_this_package_are_not_found(known, deck_of):
    result = Seed(bits=7, trials=2, known=known).play(create_scheme("tanaka-le"), deck_of(4, noise=True))
    assert result.hits == 0
    assert judge_game(result, positive_passed=True).verdict == "NO LEAK FOUND"


def test_where_no_seed_stands_for_the_key():
    game = Seed()
    assert "of its own" in game.obstacle(create_scheme("skk"))
    assert "no public program" in game.obstacle(create_scheme("vit-orthogonal"))
    assert not game.obstacle(create_scheme("smkk"))
