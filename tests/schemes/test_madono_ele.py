import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.schemes import create_scheme
from pixelveil.steps import BlockScramble, NibbleSplit

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))


def test_steps_are_those_of_the_paper():
    assert create_scheme("madono-ele").steps() == (
        NibbleSplit(block_size=4, per_block=True),
        BlockScramble(block_size=4),
    )


def test_keys_belong_to_the_places_before_scrambling():
    """Output block j is input block P[j] under the key of place P[j], each place another key."""
    plan = create_scheme("madono-ele").plan(key=checks.key_of(), shape=(32, 32, 3))
    np.testing.assert_array_equal(plan.choice[0], plan.block_order[0])
    assert sorted(plan.block_order[0]) == list(range(64))
    assert len({row.tobytes() for row in plan.source[0]}) == len(plan.source[0]) == 64
    assert (np.sort(plan.source[0], axis=1) == np.arange(96)).all()


def test_equal_blocks_do_not_stay_equal():
    tile = checks.noise(1, (4, 4, 3))[0]
    hidden = create_scheme("madono-ele").encrypt(np.tile(tile, (4, 4, 1)), key=checks.key_of()).images
    blocks = hidden.reshape(4, 4, 4, 4, 3).swapaxes(1, 2).reshape(16, 48)
    assert len(np.unique(blocks, axis=0)) == 16


def test_blocks_keep_the_half_bytes_up_to_reversal():
    """Known weakness: a block's half bytes are still there, folded, so flat blocks are seen to be flat."""
    plain = checks.noise(1, (32, 32, 3))
    hidden = create_scheme("madono-ele").encrypt(plain, key=checks.key_of()).images

    def levels(images):
        blocks = images.reshape(8, 4, 8, 4, 3).swapaxes(1, 2).reshape(64, 48)
        halves = np.concatenate([blocks & 15, blocks >> 4], axis=1)
        return sorted(map(tuple, np.sort(np.minimum(halves, 15 - halves), axis=1)))

    assert levels(hidden) == levels(plain)


def test_key_space_is_the_published_formula():
    """{(6B^2)! 2^(6B^2)}^N N!: Madono et al., AAAI-WS 2020, table 2; 32,186 bits without independent reversal."""
    total = create_scheme("madono-ele").key_bits((32, 32, 3))
    assert total == pytest.approx(38329.7, abs=0.05)
    assert total - 64 * 96 == pytest.approx(32186, abs=0.5)
    assert total == pytest.approx(64 * (math.log2(math.factorial(96)) + 96) + math.log2(math.factorial(64)))


def test_thousands_of_block_keys_come_from_two_streams():
    """A stream for each block would cost 6,272 key derivations at 224x224."""
    from pixelveil.keys import KeyMaterial
    from pixelveil.keys.derive import derive

    asked = []
    material = KeyMaterial(
        subkey=lambda role: asked.append(role) or derive(bytes(32), purpose="test", role=role),
        nonces=np.zeros((1, 16), np.uint8),
    )
    plan = create_scheme("madono-ele").plan_from(material, shape=(224, 224, 3))
    assert plan.source.shape == (1, 3136, 96)
    assert len(asked) == 3
