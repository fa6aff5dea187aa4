from dataclasses import replace

import numpy as np
import pytest

from pixelveil import Key, create_scheme
from pixelveil.attacks import Budget, Evidence, Pairs
from pixelveil.attacks.controls import aes_noise
from pixelveil.attacks.evaluate import score
from pixelveil.attacks.learned.pair_decoder import PairDecoder, decode_apart
from pixelveil.attacks.pairs.regression import fit_decoder
from pixelveil.errors import UsageError
from pixelveil.schemes.fitting import fit_asset

UNLIMITED = Budget(seconds=1e6)
WANG = create_scheme("svd-wang", factor="image", components=8)


def known(scheme, plain, pairs, victims_key=None):
    """Evidence with pairs under the victims' key."""
    key = victims_key or Key.generate()
    bound = scheme.bind(fit_asset(scheme, images=pairs)) if scheme.needs_asset else scheme
    key = None if scheme.key_policy == "none" else key
    return Evidence(
        scheme=scheme,
        ciphertexts=bound.encrypt(plain, key=key).images,
        shape=plain.shape[1:],
        victims=len(plain),
        pairs=Pairs(plain=pairs, encrypted=bound.encrypt(pairs, key=key).images),
    )


def ridge_reading(evidence):
    decoder = fit_decoder(evidence.pairs.encrypted, evidence.pairs.plain)
    return np.rint(np.clip(decoder.decode(evidence.ciphertexts), 0, 255)).astype(np.uint8)


def test_it_reads_decompositions_better_than_ridge_regression(victims, public):
    noisy = create_scheme("svd-wang", factor="image", components=6, noise=0.3)
    evidence = known(noisy, victims, public[:100])
    found = PairDecoder(width=16, steps=80).run(evidence, budget=UNLIMITED)
    linear = replace(found, images=ridge_reading(evidence))
    learned, ridge = score(found, victims), score(linear, victims)
    assert found.facts["loss"] < found.facts["loss before"]
    assert learned.mean("ssim") > ridge.mean("ssim") + 0.01
    assert learned.mean("psnr") > ridge.mean("psnr")
    assert learned.mean("ssim") > 0.5


def test_without_time_it_is_ridge_regression(victims, public):
    evidence = known(WANG, victims, public[:20])
    found = PairDecoder().run(evidence, budget=Budget(seconds=0))
    assert found.facts["steps"] == 0
    np.testing.assert_array_equal(found.images, ridge_reading(evidence))


def test_noise_gives_nothing(victims, public):
    key = Key.generate()
    evidence = known(WANG, victims, public[:60], victims_key=key)
    noise = aes_noise(len(victims), victims.shape[1:])
    evidence = replace(evidence, ciphertexts=WANG.encrypt(noise, key=key).images)
    found = PairDecoder(width=8, steps=20).run(evidence, budget=UNLIMITED)
    own, others = (score(found, plain) for plain in (victims, np.roll(victims, 1, axis=0)))
    assert abs(own.mean("edges") - others.mean("edges")) < 0.06
    assert abs(own.mean("ssim") - others.mean("ssim")) < 0.06


def test_pairs_are_read_by_the_others(public):
    """Codes that say nothing: a decoder fitted on a pair would know it, one fitted on the others cannot."""
    codes = np.random.default_rng(0).normal(size=(40, 8, 8, 3))
    plain = public[:40, :8, :8]
    inside = np.abs(fit_decoder(codes, plain).decode(codes) - plain).mean()
    apart = np.abs(decode_apart(codes, plain) - plain).mean()
    blind = np.abs(plain.mean(axis=(0, 1, 2)) - plain).mean()
    assert apart > inside
    assert apart > 0.8 * blind


def test_two_pairs_are_enough_and_one_is_ridge_alone(victims, public):
    for pairs, steps in ((1, 0), (2, 3)):
        found = PairDecoder(width=4, steps=3).run(known(WANG, victims[:2], public[:pairs]), budget=UNLIMITED)
        assert found.facts["steps"] == steps
        assert found.images.shape == victims[:2].shape


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("svd-wang", {"components": 4, "size": 9}),
        ("svd-popescu", {"components": 5}),
        ("masked-image", {}),
        ("huang", {"key_policy": "shared"}),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_shape_and_unit_is_taken(name, parameters, channels, victims, public):
    scheme = create_scheme(name, **parameters)
    evidence = known(scheme, victims[:3, :15, :18, :channels], public[:8, :15, :18, :channels])
    found = PairDecoder(width=4, steps=2).run(evidence, budget=UNLIMITED)
    assert found.images.shape == (3, 15, 18, channels)


def test_the_same_seed_gives_the_same_pictures(victims, public):
    evidence = known(WANG, victims[:4], public[:30])
    first, second = (PairDecoder(width=4, steps=8).run(evidence, budget=UNLIMITED) for _ in range(2))
    np.testing.assert_array_equal(first.images, second.images)
    # What has not learned in its few steps is thrown away, so that it is never worse than its start.
    other = PairDecoder(width=4, steps=60).run(replace(evidence, seed=1), budget=UNLIMITED)
    assert other.facts["steps"] == 60
    assert other.facts["loss"] <= other.facts["loss before"]


def test_time_ends_the_training(victims, public):
    told = []
    found = PairDecoder(width=4, steps=10**8).run(
        known(WANG, victims[:4], public[:20]),
        budget=Budget(seconds=1.5),
        advance=lambda done, total: told.append((done, total)),
    )
    assert found.facts["steps"] < 10**8
    assert told == sorted(told)


def test_where_it_does_not_apply(victims):
    attack = PairDecoder()
    assert "share no key" in attack.obstacle(create_scheme("skk"))
    assert "share no key" in attack.obstacle(create_scheme("skk-g"))
    assert "known-plaintext" in attack.obstacle(create_scheme("vit-orthogonal"))
    for name in ("svd-wang", "svd-popescu", "masked-image", "neuracrypt", "instahide", "pixel-block-mixing"):
        assert attack.obstacle(create_scheme(name)) == "", name
    evidence = known(WANG, victims[:2], victims[:2])
    with pytest.raises(UsageError, match="needs pairs"):
        attack.run(replace(evidence, pairs=None))
    empty = Pairs(plain=victims[:0], encrypted=evidence.ciphertexts[:0])
    with pytest.raises(UsageError, match="no known pairs"):
        attack.run(replace(evidence, pairs=empty))
