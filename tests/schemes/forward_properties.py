"""What every scheme that nobody can undo must do; each check takes a scheme and raises AssertionError.

The forward-only half of properties.py. What a check expects follows from what a scheme declares: its key policy,
whether it is randomized, its asset, the shape that it tells.
"""

import contextlib
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil import errors
from pixelveil.keys import KeyMaterial
from pixelveil.keys.derive import derive
from pixelveil.plans import ForwardPlan
from pixelveil.schemes import SCHEMES, create_scheme, encryption
from pixelveil.schemes.fitting import fit_asset
from pixelveil.schemes.images import Batch

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))

KEYED = ("shared", "derived")
SIDE = 24

VARIANTS = {
    "huang": [
        *({"statistic": statistic} for statistic in ("mean", "max", "min")),
        {"mode": "sliding"},
        {"order": "pre", "shuffle": "none"},
        {"negative_positive": "global", "shuffle": "per_image"},
    ],
    "skk-g": [{"kernel": 5, "sigma": 1.1}, {"noise_std": 5.0}, {"order": "pre"}, {"key_block": 4}],
    "instahide": [{"mixed": 2}],
    "masked-image": [{"mask_epsilon": 0.0}],
    "neuracrypt": [{"block_size": 8, "depth": 1}],
    "pixel-block-mixing": [{"rows": 3, "columns": 4, "donors": 2, "probability": 0.8}],
    "svd-popescu": [{"components": 4}, {"variant": "per_image"}],
    "svd-wang": [
        {"noise": 0.0},
        {"noise": 0.0, "factor": "image", "projection": "both", "size": 10},
        {"noise": 0.0, "components": 4, "levels": 0},
    ],
}
"""Parameters beside the defaults with which schemes are tested too."""

SMALL = {"svd-popescu": {"components": 8}, "neuracrypt": {"block_size": 4, "hidden": 48}}
"""Parameters in place of defaults that are too large for tests, or leave too little to chance in small images."""


def trained():
    """Schemes whose asset is weights: no test fits them in passing, each has tests of its own."""
    return sorted(name for name, kind in SCHEMES.items() if kind.asset_kinds == ("weights",))


def forward_schemes():
    """Every scheme that nobody can undo and nobody has to train, under each key policy and in its variants."""
    found = []
    for name, kind in SCHEMES.items():
        if kind.reversible or name in trained():
            continue
        sets = [{}, *VARIANTS.get(name, [])]
        small = SMALL.get(name, {})
        found += [create_scheme(name, **{**small, **more}) for more in sets]
        found += [create_scheme(name, **small, key_policy=policy) for policy in kind.policies]
    return list(dict.fromkeys(found))


def name_of(scheme):
    plain = SCHEMES[scheme.name]().parameters
    changed = [f"{label}={value}" for label, value in scheme.parameters.items() if plain[label] != value]
    return "-".join([scheme.name, *changed])


def ready(scheme, shape):
    """The scheme with an asset for images of a shape, where it needs one."""
    if not scheme.needs_asset:
        return scheme
    return scheme.bind(fit_asset(scheme, images=checks.noise(40, shape, seed=9)))


def key_for(scheme):
    return checks.key_of() if scheme.key_policy in KEYED else None


def takes(scheme, shape):
    """Whether a scheme takes images of a shape; it must say so before anything is done."""
    with contextlib.suppress(errors.UsageError):
        ready(scheme, shape).encrypted_shape(shape)
        return True
    return False


def check_declarations(scheme):
    """What people read before they choose."""
    assert not scheme.reversible
    assert scheme.protects.endswith(".")
    assert scheme.exposes.endswith(".")
    assert scheme.sizes
    assert scheme.key_policy in scheme.policies
    assert scheme.output_dtype == "uint8" or scheme.jpeg_obstacle


def check_shapes_and_types(scheme, kind, *, shape):
    """The declared type and shape come out, the caller's images stay as they are, and nobody can decrypt."""
    scheme, plain = ready(scheme, shape), checks.noise(1 if kind.single else 3, shape)
    given, before, key = kind.make(plain), kind.make(plain), key_for(scheme)
    expected = scheme.encrypted_shape(shape)
    if not kind.holds_floats and (scheme.output_dtype != "uint8" or expected[2] not in (1, 3)):
        with pytest.raises(errors.UsageError, match="which a PIL image cannot hold"):
            scheme.encrypt(given, key=key)
        return
    encrypted = scheme.encrypt(given, key=key)
    np.testing.assert_array_equal(kind.array(given), kind.array(before), err_msg="the caller's images were modified")
    hidden = kind.array(encrypted.images)
    assert type(encrypted.images) is type(given)
    assert hidden.shape == (len(plain), *expected)
    assert str(hidden.dtype) == (scheme.output_dtype if kind.dtype == "uint8" else kind.dtype)
    assert (encrypted.shape, encrypted.scheme, encrypted.digest) == (shape, scheme.name, scheme.digest)
    with pytest.raises(errors.UsageError, match="loses information by design; nobody can decrypt it"):
        scheme.decrypt(encrypted, key=key or checks.key_of())


def check_key_policy(scheme):
    """Two encryptions of one image are equal if all share a plan and nothing is drawn anew; so are two in a batch."""
    shape = (SIDE, SIDE, 3)
    # Twelve of one image: under a key of twelve values all for the image, two would be alike now and then.
    scheme, images = ready(scheme, shape), np.repeat(checks.noise(1, shape), 12, axis=0)
    first, second = (scheme.encrypt(images, key=key_for(scheme)) for _ in range(2))
    equal = scheme.key_policy in ("shared", "none") and not scheme.randomized
    assert np.array_equal(first.images, second.images) is equal
    assert bool((first.images == first.images[:1]).all()) is equal
    assert (first.nonces is not None) is (scheme.key_policy == "derived")
    assert bool(first.fingerprint) is (scheme.key_policy in KEYED)
    if first.nonces is not None:
        again = scheme.encrypt(images, key=key_for(scheme), nonces=first.nonces)
        assert np.array_equal(first.images, again.images) is not scheme.randomized


def plan_for(scheme, count, shape):
    """A plan from known material, of any key policy; and the material's nonces."""
    shared = scheme.key_policy in ("shared", "none")
    nonces = np.arange(16 * (1 if shared else count), dtype=np.uint8).reshape(-1, 16)

    def plan(part=slice(None)):
        chosen = nonces if shared else nonces[part]
        material = KeyMaterial(subkey=lambda role: derive(checks.ROOT, purpose="test", role=role), nonces=chosen)
        return scheme.plan_from(material, shape=scheme.laid_out_shape(shape))

    return plan


def check_plan_is_forward_only(scheme):
    """Its plan neither inverts nor passes for an affine one, and says so."""
    shape = (SIDE, SIDE, 3)
    plan = plan_for(ready(scheme, shape), 1, shape)()
    assert isinstance(plan, ForwardPlan)
    assert len(repr(plan)) < 200
    with pytest.raises(errors.UsageError, match="loses information by design; nobody can undo it"):
        plan.invert()
    with pytest.raises(errors.UsageError, match="is not an invertible affine map of blocks"):
        plan.to_affine()


def check_images_are_independent(scheme, *, shape):
    """An image in a batch is the image alone, bit for bit; where noise is fresh, no two are the same anyway."""
    scheme, images = ready(scheme, shape), checks.noise(5, shape)
    plan = plan_for(scheme, 5, shape)
    together = plan().apply(images if shape == scheme.laid_out_shape(shape) else padded(scheme, images))
    if scheme.randomized:
        assert len({image.tobytes() for image in together}) == 5
        return
    for number in range(5):
        part = slice(number, number + 1)
        given = images[part] if shape == scheme.laid_out_shape(shape) else padded(scheme, images[part])
        np.testing.assert_array_equal(plan(part).apply(given)[0], together[number])


def padded(scheme, images):
    """Images as `encrypt` lays them out."""
    height, width, _ = scheme.laid_out_shape(images.shape[1:])
    below, right = height - images.shape[1], width - images.shape[2]
    return np.pad(images, ((0, 0), (0, below), (0, right), (0, 0)), mode="edge")


def check_chunks_change_nothing(scheme, monkeypatch):
    """Nor do threads: what is done to an image does not depend on how a batch is cut."""
    if scheme.randomized or scheme.key_policy == "ephemeral":
        return
    shape = (SIDE, SIDE, 3)
    scheme, images = ready(scheme, shape), checks.noise(7, shape)
    nonces = np.arange(16 * 7, dtype=np.uint8).reshape(7, 16) if scheme.key_policy == "derived" else None
    expected = scheme.encrypt(images, key=key_for(scheme), nonces=nonces).images
    monkeypatch.setattr(encryption, "_CHUNK_BYTES", 1)
    result = scheme.encrypt(images, key=key_for(scheme), nonces=nonces).images
    np.testing.assert_array_equal(result, expected)


def check_tensors_on_an_accelerator(scheme, torch, monkeypatch):
    """They come back as tensors, with what arrays give; tried on tensors of the processor that are taken for others."""
    if scheme.randomized or scheme.key_policy == "ephemeral":
        return
    shape = (SIDE, SIDE, 3)
    scheme, images = ready(scheme, shape), checks.noise(3, shape)
    nonces = np.arange(48, dtype=np.uint8).reshape(3, 16) if scheme.key_policy == "derived" else None
    expected = scheme.encrypt(images, key=key_for(scheme), nonces=nonces).images
    monkeypatch.setattr(encryption, "as_batch", lambda given: Batch(images=given, unit=None, restore=lambda out: out))
    tensors = torch.from_numpy(images).permute(0, 3, 1, 2)
    result = scheme.encrypt(tensors, key=key_for(scheme), nonces=nonces).images
    assert isinstance(result, torch.Tensor)
    np.testing.assert_array_equal(result.permute(0, 2, 3, 1).numpy(), expected)


def check_size(scheme, *, shape):
    """Images of any size come out in the told shape, or are refused before anything is done or counted."""
    key, images = key_for(scheme), checks.noise(2, shape)
    if takes(scheme, shape):
        scheme = ready(scheme, shape)
        assert scheme.encrypt(images, key=key).images.shape == (2, *scheme.encrypted_shape(shape))
        assert np.isfinite(scheme.encrypt(images, key=key).images).all()
        assert scheme.encrypt(images[:0], key=key).images.shape == (0, *scheme.encrypted_shape(shape))
        return
    with pytest.raises(errors.UsageError) as caught:
        ready(scheme, shape).encrypt(images, key=key)
    assert str(caught.value)
    assert key is None or key.active.used == 0


def check_keys_and_clients_matter(scheme):
    """One bit of the root, another client: other images; wherever there is a key that decides something."""
    shape = (SIDE, SIDE, 3)
    if scheme.key_policy not in KEYED or scheme.key_bits(shape) < 64:
        return
    scheme, images = ready(scheme, shape), checks.noise(3, shape)
    nonces = np.zeros((3, 16), np.uint8) if scheme.key_policy == "derived" else None
    results = [
        scheme.encrypt(images, key=checks.key_of(root), nonces=nonces, client=client).images
        for root, client in ((checks.ROOT, ""), (checks.flipped(checks.ROOT), ""), (checks.ROOT, "clinic 7"))
    ]
    for other in results[1:]:
        assert np.mean(results[0] != other) > 0.8


def check_budget(scheme):
    """Images are counted wherever a key is; where none is, no key is asked for."""
    shape = (SIDE, SIDE, 3)
    scheme, key = ready(scheme, shape), checks.key_of(budget=3)
    scheme.encrypt(checks.noise(2, shape), key=key)
    if scheme.key_policy not in KEYED:
        assert key.active.used == 0
        scheme.encrypt(checks.noise(2, shape))
        return
    assert key.active.used == 2
    with pytest.raises(errors.BudgetError):
        scheme.encrypt(checks.noise(2, shape), key=key)
    with pytest.raises(errors.UsageError, match="needs a key"):
        scheme.encrypt(checks.noise(1, shape))


def check_asset(scheme):
    """Without its asset a scheme tells what it would do, and does nothing; none is taken that is not needed."""
    shape = (SIDE, SIDE, 3)
    assert scheme.encrypted_shape(shape)
    if not scheme.needs_asset:
        with pytest.raises(errors.UsageError, match="needs no asset"):
            fit_asset(scheme, images=checks.noise(40, shape))
        return
    with pytest.raises(errors.UsageError, match="needs its asset"):
        scheme.encrypt(checks.noise(1, shape))
    bound = ready(scheme, shape)
    assert bound.digest != scheme.digest
    assert bound.parameters == {**scheme.parameters, "asset": bound.bound.digest}
    named = create_scheme(scheme.name, asset=bound.bound.digest, **scheme.parameters)
    assert named.digest == bound.digest
    with pytest.raises(errors.UsageError, match=f"needs its asset {bound.asset[:16]}"):
        named.encrypt(checks.noise(1, shape))
