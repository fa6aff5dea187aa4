from dataclasses import replace

import pytest

from pixelveil.attacks.stem.catalogue import MODEL_ATTACKS
from pixelveil.attacks.stem.tokens import PlainTokens
from pixelveil.errors import UsageError
from pixelveil.schemes import create_scheme


@pytest.mark.parametrize("kind", MODEL_ATTACKS.values(), ids=MODEL_ATTACKS)
def test_no_attack_runs_without_what_it_needs(kind, make_vit, hold, victims):
    evidence, _, _ = hold(make_vit(), victims)
    if not kind.needs:
        assert kind().run(evidence).images.shape == victims.shape
        return
    with pytest.raises(UsageError, match=f"needs .*{kind.needs[0]}"):
        kind().run(evidence)


def test_keys_of_single_images_are_not_those_of_a_model(make_vit, hold, victims):
    evidence, _, _ = hold(make_vit(), victims)
    other = create_scheme("skk")
    assert PlainTokens().obstacle(other)
    assert PlainTokens().obstacle(evidence.scheme) == ""
    with pytest.raises(UsageError, match="does not apply"):
        PlainTokens().run(replace(evidence, scheme=other))


def test_a_victim_that_is_not_seen_cannot_be_read(make_vit, hold, victims):
    evidence, _, _ = hold(make_vit(), victims, base={})
    updates = [{} for _ in range(20)]
    with pytest.raises(UsageError, match="sees 0 images"):
        PlainTokens().run(replace(evidence, ciphertexts=evidence.ciphertexts[:0], updates=updates))
