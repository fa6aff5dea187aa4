import numpy as np
import pytest

from pixelveil import Key, create_scheme
from pixelveil.attacks.pairs.structure import lane_structure, no_shared_lanes

CASES = [
    ("smkk", {}, "listed", 48, False),
    ("skk", {"key_policy": "shared", "shuffle": "none"}, "listed", 8, False),
    ("etc-color", {"block_size": 8}, "listed", 96, True),
    ("etc-gray", {}, "listed", 16, True),
    ("vit-compressible", {}, "listed", 96, True),
    ("tanaka-le", {}, "one", 0, False),
    ("madono-ele", {}, "each", 0, True),
    ("vit-permutation", {}, "one", 0, True),
    ("vit-permutation", {"scramble_blocks": False}, "one", 0, False),
    ("vit-permutation", {"per_block": True}, "each", 0, True),
    ("vit-restricted", {}, "one", 0, True),
]


@pytest.mark.parametrize(("name", "parameters", "maps", "listed", "scrambled"), CASES)
def test_what_is_public(name, parameters, maps, listed, scrambled):
    found = lane_structure(create_scheme(name, **parameters), shape=(48, 32, 3))
    assert (found.maps, len(found.sources), found.scrambled) == (maps, listed, scrambled)


def test_every_listed_map_is_another():
    for name in ("smkk", "etc-color", "etc-gray"):
        found = lane_structure(create_scheme(name), shape=(32, 32, 3))
        both = np.concatenate([found.sources, found.flips], axis=1)
        assert len(np.unique(both, axis=0)) == len(both), name


def test_the_list_holds_the_maps_of_any_key():
    scheme = create_scheme("etc-color", block_size=8)
    found = lane_structure(scheme, shape=(32, 32, 3))
    listed = {row.tobytes() for row in np.concatenate([found.sources, found.flips.astype(np.int64)], axis=1)}
    plan = scheme.plan(key=Key.generate(), shape=(32, 32, 3))
    flips = np.broadcast_to(plan.flip[0], plan.source[0].shape)
    used = np.concatenate([plan.source[0], flips], axis=1).astype(np.int64)[plan.choice[0]]
    assert {row.tobytes() for row in used} <= listed


def test_lanes():
    half_bytes = lane_structure(create_scheme("tanaka-le"), shape=(8, 8, 3))
    lanes = half_bytes.split(np.full((2, 8, 8, 3), 0xA7, np.uint8))
    assert lanes.shape == (2, 4, 96)
    assert half_bytes.top == 15
    np.testing.assert_array_equal(lanes[..., :48], 7)
    np.testing.assert_array_equal(lanes[..., 48:], 10)


def test_where_nothing_is_shared():
    for name in ("xor-stream", "vit-orthogonal", "skk-g", "svd-wang"):
        assert "does not move" in no_shared_lanes(create_scheme(name)), name
    assert "key of its own" in no_shared_lanes(create_scheme("skk"))
    assert "key of its own" in no_shared_lanes(create_scheme("vit-restricted", key_policy="ephemeral"))
    assert no_shared_lanes(create_scheme("smkk")) == ""
