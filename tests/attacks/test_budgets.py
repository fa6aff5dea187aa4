"""Every attack looks at its budget: once it is spent a few steps are left, and there is a picture all the same."""

from dataclasses import dataclass

import numpy as np
import pytest

from pixelveil.attacks import ATTACKS, Budget, Evidence, Pairs, create_attack
from pixelveil.audit.positive import POSITIVES
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme

IMAGES, VICTIMS, SIDE = 500, 100, 64
PATIENCE = 400  # looks at a spent budget: every loop that is left ends at its next turn

# One pass over the images and no loop: there is nothing that could end earlier.
ONE_PASS = {"chosen-plaintext", "energy", "known-plaintext-affine", "known-plaintext-lanes", "leading-bit"}


@dataclass(frozen=True, kw_only=True)
class Looks(Budget):
    """A budget that is spent after so many looks, however long they take, and notes all of them."""

    unspent: int = 0
    seen: list = None

    @property
    def left(self):
        self.seen.append(None)
        return self.seconds if len(self.seen) <= self.unspent else -1.0


@pytest.fixture(scope="module")
def smooth():
    """uint8 (700, 64, 64, 3): smooth pictures, all different."""
    generator = np.random.default_rng(0)
    small = generator.normal(size=(IMAGES + 200, 8, 8, 3)).cumsum(axis=1).cumsum(axis=2)
    low, high = small.min(axis=(1, 2, 3), keepdims=True), small.max(axis=(1, 2, 3), keepdims=True)
    return (255 * (small - low) / (high - low)).repeat(8, axis=1).repeat(8, axis=2).astype(np.uint8)


def held(name, smooth):
    wanted, key = POSITIVES[name], Key.generate(budget=1 << 30)
    scheme = create_scheme(wanted.scheme, **wanted.parameters)

    def encrypt(images):
        return scheme.encrypt(images, key=key).images

    known = smooth[IMAGES : IMAGES + 20]
    return Evidence(
        scheme=scheme,
        ciphertexts=encrypt(smooth[:IMAGES]),
        shape=(SIDE, SIDE, 3),
        victims=VICTIMS,
        public=smooth[IMAGES + 20 :],
        pairs=Pairs(plain=known, encrypted=encrypt(known)),
        oracle=encrypt,
    )


@pytest.mark.parametrize("unspent", [0, 3])
@pytest.mark.parametrize("name", sorted(set(ATTACKS) & set(POSITIVES)))
def test_a_spent_budget_ends_it_and_leaves_pictures(name, unspent, smooth):
    seen = []
    found = create_attack(name).run(held(name, smooth), budget=Looks(seconds=0.5, unspent=unspent, seen=seen))
    assert found.images.shape == (VICTIMS, SIDE, SIDE, 3)
    assert found.images.dtype == np.uint8
    assert len(seen) <= unspent + PATIENCE
    assert bool(seen) == (name not in ONE_PASS)
