import numpy as np
import pytest

from pixelveil.attacks import ATTACKS, Attack, Budget, Evidence, Pairs, Reconstruction, create_attack, list_attacks
from pixelveil.errors import UsageError
from pixelveil.schemes import create_scheme

PLAIN = np.zeros((3, 8, 8, 3), np.uint8)


def evidence(**changes):
    return Evidence(
        **({"scheme": create_scheme("skk"), "ciphertexts": PLAIN, "shape": (8, 8, 3), "victims": 2} | changes)
    )


def test_evidence_is_checked():
    with pytest.raises(UsageError, match="4 victims are not among 3"):
        evidence(victims=4)
    with pytest.raises(UsageError, match="ciphertexts are"):
        evidence(shape=(8, 9, 3))
    with pytest.raises(UsageError, match="no pairs"):
        Pairs(plain=PLAIN, encrypted=PLAIN[:2])


def test_its_randomness_is_the_same_in_every_run():
    assert evidence(seed=3).generator.random() == evidence(seed=3).generator.random()
    assert evidence(seed=3).generator.random() != evidence(seed=4).generator.random()


def test_reconstructions_are_images():
    with pytest.raises(UsageError, match="reconstructions are uint8"):
        Reconstruction(images=PLAIN.astype(float))


def test_budgets_run_out():
    assert Budget(seconds=-1).spent
    assert not Budget(seconds=100).spent
    assert 99 < Budget(seconds=100).left <= 100


class Reader(Attack):
    name, access, minimum = "reader", "pairs", 3

    def obstacle(self, scheme):
        return "" if scheme.name == "skk" else "it reads SKK only"


def test_what_an_attack_needs_is_checked():
    pairs = Pairs(plain=PLAIN, encrypted=PLAIN)
    Reader().check(evidence(pairs=pairs))
    with pytest.raises(UsageError, match="reader needs pairs"):
        Reader().check(evidence())
    with pytest.raises(UsageError, match="needs 3 ciphertexts, not 2"):
        Reader().check(evidence(pairs=pairs, ciphertexts=PLAIN[:2]))
    with pytest.raises(UsageError, match="does not apply to vit-permutation: it reads SKK only"):
        Reader().check(evidence(pairs=pairs, scheme=create_scheme("vit-permutation", block_size=4)))


def test_unknown_attacks_are_named():
    with pytest.raises(UsageError, match="unknown attack 'magic'"):
        create_attack("magic")
    assert set(list_attacks()) == set(ATTACKS)


@pytest.mark.parametrize("name", list_attacks())
def test_every_attack_declares_its_facts(name):
    kind = ATTACKS[name]
    assert kind.name == name
    for text in (kind.title, kind.citation, kind.cost):
        assert text.strip()
    assert kind.__mro__[1] is Attack
    assert kind.__dataclass_params__.frozen
    assert kind.obstacle is not Attack.obstacle
    assert kind.run is not Attack.run
