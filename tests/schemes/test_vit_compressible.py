import hashlib
import math
import runpy
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.schemes import create_scheme

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))


def blocks_of(image, side):
    height, width, channels = image.shape
    return (
        image.reshape(height // side, side, width // side, side, channels)
        .swapaxes(1, 2)
        .reshape(-1, side, side, channels)
    )


def states_of(block):
    """The 96 results that turns, mirrors, inversion and color orders can make of a sub-block."""
    turned = [np.rot90(mirrored, turn) for mirrored in (block, block[:, ::-1]) for turn in range(4)]
    return {
        np.ascontiguousarray(level[..., list(order)]).tobytes()
        for one in turned
        for level in (one, 255 - one)
        for order in permutations(range(3))
    }


@pytest.mark.parametrize("per_block", [False, True])
def test_sub_blocks_stay_in_their_main_block_and_in_one_of_96_states(per_block):
    plain = checks.noise(1, (32, 48, 3))[0]
    scheme = create_scheme("vit-compressible", per_block=per_block)
    hidden = scheme.encrypt(plain, key=checks.key_of()).images
    order = scheme.plan(key=checks.key_of(), shape=plain.shape).block_order[0]
    assert sorted(order) == list(range(6))
    for block, origin in zip(blocks_of(hidden, 16), order, strict=True):
        source = blocks_of(blocks_of(plain, 16)[origin], 8)
        states = [states_of(part) for part in source]
        found = [next(k for k, known in enumerate(states) if part.tobytes() in known) for part in blocks_of(block, 8)]
        assert sorted(found) == [0, 1, 2, 3]


def test_one_key_serves_all_main_blocks_or_each_has_its_own():
    """V1 leaves equal blocks equal, and one map that a patch embedding absorbs; V2 neither."""
    plain = np.tile(checks.noise(1, (16, 16, 3))[0], (3, 4, 1))
    for per_block, distinct in ((False, 1), (True, 12)):
        scheme = create_scheme("vit-compressible", per_block=per_block)
        hidden = scheme.encrypt(plain, key=checks.key_of()).images
        assert len(np.unique(blocks_of(hidden, 16).reshape(12, -1), axis=0)) == distinct
        plan = scheme.plan(key=checks.key_of(), shape=plain.shape)
        assert (plan.block_size, plan.lanes) == ((16, 16), 768)
        assert (plan.choice is None) is not per_block
        used = plan.source[0] if plan.choice is None else plan.source[0][plan.choice[0]]
        assert len(np.unique(used, axis=0)) == distinct
        assert set(np.unique(plan.flip)) <= {0, 255}


def test_keys_of_main_blocks_belong_to_the_places_before_scrambling():
    scheme, shape = create_scheme("vit-compressible", per_block=True), (32, 48, 3)

    def material():
        return KeyMaterial(
            subkey=lambda role: hashlib.sha256(role.encode()).digest(), nonces=np.zeros((1, 16), np.uint8)
        )

    whole, streams = scheme.plan_from(material(), shape=shape), material()
    inside = [
        step.plan(material=streams, role=f"{number}/{step.name}/32x48x3", shape=shape)
        for number, step in enumerate(scheme.steps()[:-1])
    ]
    plain = checks.noise(1, shape)[0]
    before = plain
    for plan in inside:
        before = plan.apply(before)
    expected = blocks_of(before, 16)[whole.block_order[0]]
    np.testing.assert_array_equal(blocks_of(whole.apply(plain), 16), expected)


def test_key_space():
    """(8 2 6)^4 4! for each main block, and 196! for their order."""
    inside = 4 * math.log2(96) + math.log2(24)
    order = math.log2(math.factorial(196))
    assert inside == pytest.approx(30.9, abs=0.05)
    one, each = (create_scheme("vit-compressible", per_block=own).key_bits((224, 224, 3)) for own in (False, True))
    assert one == pytest.approx(inside + order)
    assert each == pytest.approx(196 * inside + order)
    assert each == pytest.approx(7276, abs=0.5)


@pytest.mark.parametrize(("block", "side"), [(14, 7), (16, 16), (8, 4), (6, 2)])
@pytest.mark.parametrize("per_block", [False, True])
def test_other_sides(block, side, per_block):
    scheme = create_scheme("vit-compressible", block_size=block, sub_block_size=side, per_block=per_block)
    plain, key = checks.noise(2, (21, 30, 3)), checks.key_of()
    np.testing.assert_array_equal(scheme.decrypt(scheme.encrypt(plain, key=key), key=key), plain)


def test_sub_blocks_must_divide_main_blocks():
    with pytest.raises(UsageError, match="sub-blocks of 8 pixels do not divide blocks of 20"):
        create_scheme("vit-compressible", block_size=20)
