"""What the scheme declares; what both learned schemes do is in learned/test_schemes.py."""

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.schemes.image_to_perturbation import ImageToPerturbation


def test_what_it_declares():
    scheme = ImageToPerturbation()
    assert (scheme.family, scheme.policies, scheme.asset_kinds) == ("learned", ("none",), ("weights",))
    assert (scheme.needs_asset, scheme.reversible, scheme.randomized, scheme.output_dtype) == (
        True,
        False,
        False,
        "uint8",
    )
    assert [step.name for step in scheme.steps()] == ["u-net"]
    assert scheme.sizes == "any size, which stays as it is"


def test_it_is_trained_not_fitted():
    with pytest.raises(UsageError, match="its network is trained") as caught:
        ImageToPerturbation.fit(np.zeros((1, 8, 8, 3), np.uint8), settings={})
    assert "schemes fit image-to-perturbation" in caught.value.hint
