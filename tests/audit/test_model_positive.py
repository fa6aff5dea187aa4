from pixelveil.attacks.stem.catalogue import MODEL_ATTACKS
from pixelveil.audit.model_positive import MODEL_POSITIVES
from pixelveil.audit.models import not_absorbed
from pixelveil.schemes import create_scheme

# Searches through a whole network, which no audit has the time for: their cells can only be INCONCLUSIVE.
WITHOUT_CONTROL = {"gradient-inversion", "model-inversion"}


def test_every_attack_on_models_has_an_entry_that_it_applies_to():
    assert set(MODEL_ATTACKS) - set(MODEL_POSITIVES) == WITHOUT_CONTROL
    for name, wanted in MODEL_POSITIVES.items():
        scheme = create_scheme(wanted.scheme, **wanted.parameters)
        assert MODEL_ATTACKS[name]().obstacle(scheme) == not_absorbed(scheme) == ""
        assert 0 < wanted.least <= 1
