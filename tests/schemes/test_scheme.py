import dataclasses
import math
import runpy
import typing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil import errors
from pixelveil.keys import Key
from pixelveil.schemes import SCHEMES, Scheme, create_scheme, list_schemes
from pixelveil.schemes.scheme import KEY_POLICIES
from pixelveil.steps import ImageShape

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))

every_scheme = pytest.mark.parametrize("scheme", checks.all_schemes(), ids=checks.name_of)


@every_scheme
@pytest.mark.parametrize("kind", checks.KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("channels", [1, 3])
def test_round_trip(scheme, kind, channels):
    checks.check_round_trip(scheme, kind, shape=(8, 12, channels))
    checks.check_round_trip(scheme, kind, shape=(9, 6, channels))
    checks.check_round_trip(scheme, kind, shape=(1, 5, channels), count=1)


@every_scheme
@pytest.mark.parametrize("kind", [kind for kind in checks.KINDS if not kind.single], ids=lambda kind: kind.name)
def test_a_batch_of_none(scheme, kind):
    checks.check_round_trip(scheme, kind, shape=(9, 6, 3), count=0)


@every_scheme
@pytest.mark.parametrize("shape", [(8, 12, 3), (9, 6, 1)])
def test_kinds_agree(scheme, shape):
    checks.check_kinds_agree(scheme, shape=shape)


@every_scheme
def test_key_policy_is_as_declared(scheme):
    checks.check_key_policy(scheme)


@every_scheme
def test_wrong_keys_are_refused_and_useless(scheme):
    checks.check_wrong_key(scheme)


@every_scheme
@pytest.mark.parametrize("channels", [1, 3])
def test_one_bit_of_the_root_changes_about_everything(scheme, channels):
    checks.check_avalanche(scheme, channels=channels)


@every_scheme
def test_clients_differ(scheme):
    checks.check_clients(scheme)


@every_scheme
def test_nonces_are_honored(scheme):
    checks.check_nonces(scheme)


@every_scheme
def test_images_are_counted(scheme):
    checks.check_budget(scheme)


@every_scheme
def test_nothing_secret_is_shown(scheme):
    checks.check_nothing_secret_is_shown(scheme)


@every_scheme
def test_the_plan_is_its_steps(scheme):
    checks.check_steps_give_the_plan(scheme)


@every_scheme
def test_shapes_and_key_space(scheme):
    block = scheme.block
    height, width, channels = scheme.laid_out_shape((1, block + 1, 3))
    assert (height, width * channels) == (block, -(-(block + 1) // block) * block * 3)
    for shape in ((32, 32, 3), (33, 30, 1)):
        prepared = scheme.laid_out_shape(shape)
        total = sum(step.key_bits(shape=prepared) for step in scheme.steps())
        assert scheme.key_bits(shape) == total > 0


@pytest.mark.parametrize("name", list_schemes())
def test_every_scheme_declares_its_facts(name):
    kind = SCHEMES[name]
    assert kind.name == name
    assert kind.title.strip()
    assert any(mark in kind.citation for mark in ("doi", "arXiv"))
    assert kind.output_dtype in ("uint8", "float32")
    assert kind.known_attacks
    assert all(attack.endswith(".") for attack in kind.known_attacks)
    assert kind.readable_from is None or kind.readable_from > 0
    assert kind.__dataclass_params__.frozen
    assert kind.__mro__[1] is Scheme


DIGESTS = {
    "etc-color": "f1a44fe145d50389db66d57993bd8cfa4266d011f056b2e7732e2fce9e755c43",
    "etc-gray": "54066dc6109b21e161e11bd1cc497cd1e7613a046ab1d204a6a2ee3e087583f4",
    "huang": "05af986ce0af99848ffcb0e655310206891ad62b1a54843fd4efa053e5f9d0ce",
    "madono-ele": "8ce54008e880623da41ed6255233ab95d3700fb9062ebaaac86c5d6f3f3c7468",
    "skk": "63748446af2e6115a556364a9e88f694109f049dec838a66cc67b36cef782293",
    "skk-g": "9174745c57decf2f8ff2395401f1f94dcf78ce106576411f970a541c42b22021",
    "smkk": "7203eff8ecf57f164a3f76d69fb7f1c47e51b3d4cd0e7a50d16aa269fe48e9d4",
    "svd-popescu": "822e7103fd3843dd8903b5e9085e8b85a8a5bc4b2bd59fe0ea2b80288eceaccc",
    "svd-wang": "eef682c3f4a829180e95ca6c763e45239c05c77469f5c11f4e5e48fb01381b05",
    "tanaka-le": "a7db404440538f87ea0cb22e3c483cadd1f90f54bc6165bd369b63d814877497",
    "vit-compressible": "715b860c2a915429df2d3ca0d7dd68f157504abbe69ee86e17178fb01e89cac1",
    "vit-orthogonal": "ba10706a89288280552a58d6740dcabe4b186e8193030546e40ebefae80b53df",
    "vit-permutation": "d9324720f8bbd8b413d55247cd8ea780d5ae638abf0155ec56b20250e27ccdbc",
    "vit-restricted": "b2331064c276099335a53cbb0ed896e387c1a34c9918e40ea55c27a364187ff6",
    "xor-stream": "adda846a593daa7e77e7f1ee9a17f45cf54876e79f8c8a44147828f608b5f0e6",
}


def test_digests_of_the_defaults_never_change():
    """They are in manifests and in the labels of sub-keys: another digest is another key."""
    assert {name: create_scheme(name).digest for name in DIGESTS} == DIGESTS


def other_values(kind, field):
    """Other values that a parameter may have."""
    default, hint = field.default, typing.get_type_hints(kind)[field.name]
    if isinstance(default, bool):
        return [not default]
    if isinstance(default, int):
        # Sides of kernels must stay odd, sides of blocks even.
        return [default + 2 if default % 2 or not default else default // 2]
    if isinstance(default, float):
        return [default / 2 or 0.5]
    if field.name == "key_policy":
        return [value for value in kind.policies if value != default]
    return [value for value in typing.get_args(hint) if value != default]


@pytest.mark.parametrize("name", list_schemes())
def test_every_parameter_changes_the_digest(name):
    kind = SCHEMES[name]
    digests = [kind().digest]
    fields = [field for field in dataclasses.fields(kind) if field.name != "asset"]
    for field in fields:
        others = other_values(kind, field)
        assert others or kind.policies == (kind().key_policy,)
        digests += [create_scheme(name, **{field.name: value}).digest for value in others]
    assert len(set(digests)) == len(digests)
    assert kind().parameters == {field.name: field.default for field in fields}


def test_schemes_with_the_same_parameters_differ():
    digests = {create_scheme(name).digest for name in list_schemes()}
    assert len(digests) == len(list_schemes())


@pytest.mark.parametrize("name", list_schemes())
def test_unknown_policies_are_refused(name):
    policies = ", ".join(SCHEMES[name].policies)
    with pytest.raises(errors.UsageError, match=f"key_policy must be one of {policies}, not 'public'"):
        create_scheme(name, key_policy="public")


SHAPE: ImageShape = (8, 8, 3)


def test_plans_are_asked_for_with_the_nonces_of_the_policy():
    key, nonces = Key.generate(), np.zeros((1, 16), np.uint8)
    shared, derived, ephemeral = (create_scheme("skk", key_policy=policy) for policy in KEY_POLICIES)
    assert shared.plan(key=key, shape=SHAPE).count == 1
    assert derived.plan(key=key, shape=SHAPE, nonces=np.repeat(nonces, 5, axis=0)).count == 5
    with pytest.raises(errors.UsageError, match="'shared' takes no nonces"):
        shared.plan(key=key, shape=SHAPE, nonces=nonces)
    with pytest.raises(errors.UsageError, match="'derived' needs nonces, one for each image"):
        derived.plan(key=key, shape=SHAPE)
    for given in (None, nonces):
        with pytest.raises(errors.UsageError, match="'ephemeral' keeps no key"):
            ephemeral.plan(key=key, shape=SHAPE, nonces=given)


def test_a_key_stands_for_its_active_epoch():
    scheme, key, images = create_scheme("skk", key_policy="shared"), Key.generate(), checks.noise(1, SHAPE)
    old = key.active
    before = scheme.plan(key=key, shape=SHAPE).apply(images)
    key.rotate()
    after = scheme.plan(key=key, shape=SHAPE).apply(images)
    np.testing.assert_array_equal(scheme.plan(key=old, shape=SHAPE).apply(images), before)
    assert (before != after).any()


def test_old_epochs_decrypt_what_they_encrypted():
    for policy in ("shared", "derived"):
        scheme, key, images = create_scheme("skk", key_policy=policy), Key.generate(), checks.noise(2, SHAPE)
        encrypted = scheme.encrypt(images, key=key)
        epoch = key.active
        key.rotate()
        np.testing.assert_array_equal(scheme.decrypt(encrypted, key=key), images)
        np.testing.assert_array_equal(scheme.decrypt(encrypted, key=epoch), images)
        assert scheme.encrypt(images, key=key).epoch == 2


def test_shared_plans_are_made_once_and_not_kept_without_end():
    scheme, epoch = create_scheme("vit-permutation", block_size=1), Key.generate().active
    first = scheme.plan(key=epoch, shape=(1, 2, 3))
    assert scheme.plan(key=epoch, shape=(1, 2, 3)) is first
    assert scheme.plan(key=epoch, shape=(1, 2, 3), client="a") is not first
    assert create_scheme("vit-permutation", block_size=1, invert=False).plan(key=epoch, shape=(1, 2, 3)) is not first
    for width in range(1, 60):
        scheme.plan(key=epoch, shape=(1, width, 3))
    assert len(epoch.plan_cache) <= 16
    again = scheme.plan(key=epoch, shape=(1, 2, 3))
    images = checks.noise(1, (1, 2, 3))
    np.testing.assert_array_equal(again.apply(images), first.apply(images))


def test_plans_of_two_sizes_share_no_stream():
    """The same block order for 4x4 and the first blocks of 8x8 would show both."""
    scheme, key = create_scheme("skk", key_policy="shared", shuffle="none"), checks.key_of()
    small, large = (scheme.plan(key=key, shape=(side, side, 1)) for side in (16, 32))
    same = np.mean(small.choice[0] == large.choice[0][:256])
    assert abs(same - 0.5) < 5 * math.sqrt(0.25 / 256)


def test_shapes_that_steps_refuse_are_refused():
    with pytest.raises(errors.UsageError, match="blocks of 16x16 do not divide"):
        create_scheme("vit-permutation").plan(key=Key.generate(), shape=(30, 32, 3))
    with pytest.raises(errors.UsageError, match="1 or 3 channels, not 2"):
        create_scheme("skk").key_bits((8, 8, 2))
