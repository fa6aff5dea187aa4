from pixelveil.attacks import ATTACKS
from pixelveil.attacks.games import GAMES
from pixelveil.audit.positive import GAME_POSITIVES, POSITIVES
from pixelveil.schemes import create_scheme


def test_every_entry_is_of_a_scheme_that_its_attack_applies_to():
    """An attack that is not in the catalogue yet has no cell."""
    for name, wanted in POSITIVES.items():
        scheme = create_scheme(wanted.scheme, **wanted.parameters)
        if name in ATTACKS:
            assert ATTACKS[name]().obstacle(scheme) == "", name
        assert 0 < wanted.least <= 1


def test_every_attack_on_images_has_an_entry():
    """Without one it can only be INCONCLUSIVE."""
    on_images = {name for name, kind in ATTACKS.items() if kind.access not in ("model", "client", "gradients")}
    assert on_images <= set(POSITIVES)


def test_every_game_has_one_too():
    assert set(GAMES) <= set(GAME_POSITIVES)
    for name, wanted in GAME_POSITIVES.items():
        scheme = create_scheme(wanted.scheme, **wanted.parameters)
        if name in GAMES:
            assert GAMES[name]().obstacle(scheme) == "", name
        assert 0 < wanted.least <= 1


def test_a_network_must_beat_the_attack_that_it_starts_from():
    for wanted in POSITIVES.values():
        assert (
            not wanted.beats
            or ATTACKS[wanted.beats]().obstacle(create_scheme(wanted.scheme, **wanted.parameters)) == ""
        )
    assert POSITIVES["inverse-network"].beats == "leading-bit"
