from dataclasses import replace

import numpy as np
import pytest
import torch

from pixelveil import create_scheme
from pixelveil.attacks import Budget
from pixelveil.attacks.ciphertexts.leading_bit import LeadingBit
from pixelveil.attacks.controls import aes_noise
from pixelveil.attacks.evaluate import score
from pixelveil.attacks.learned.inverse_network import InverseNetwork, nearest_reading, read, start_of
from pixelveil.attacks.learned.networks import u_net
from pixelveil.attacks.learned.own_keys import encrypt_own, own_scheme
from pixelveil.errors import UsageError

UNLIMITED = Budget(seconds=1e6)


def test_it_reads_inverted_pixels_better_than_the_leading_bit_attack(victims, public, held):
    evidence = held(create_scheme("skk", shuffle="none"), victims, public=public)
    found = InverseNetwork(width=16, steps=150).run(evidence, budget=UNLIMITED)
    learned, folded = score(found, victims), score(LeadingBit().run(evidence), victims)
    assert found.facts["loss"] < found.facts["loss before"]
    assert learned.mean("ssim") > folded.mean("ssim") + 0.01
    assert learned.mean("psnr") > folded.mean("psnr") + 0.05


@pytest.mark.parametrize("name", ["skk", "smkk", "skk-g"])
def test_without_training_it_is_the_leading_bit_attack(name, victims, public, held):
    evidence = held(create_scheme(name, shuffle="none"), victims, public=public)
    found = InverseNetwork(width=4).run(evidence, budget=Budget(seconds=0))
    np.testing.assert_array_equal(found.images, LeadingBit().run(evidence).images)
    assert found.facts["steps"] == 0


def test_noise_gives_nothing(victims, public, held):
    for name in ("skk", "tanaka-le", "xor-stream"):
        scheme = create_scheme(name)
        evidence = held(scheme, aes_noise(*_size(victims)), public=public)
        found = InverseNetwork(width=8, steps=30).run(evidence, budget=UNLIMITED)
        own, others = (score(found, plain) for plain in (victims, np.roll(victims, 1, axis=0)))
        for measure in ("edges", "ssim"):  # the mean of public images is like any image, but of no victim
            assert own.mean(measure) - others.mean(measure) < 0.06, (name, measure)
            assert own.mean(measure) < 0.25, (name, measure)


def _size(images):
    return len(images), images.shape[1:]


def test_blocks_without_order_are_read_coarsely(victims, public, held):
    scheme = create_scheme("vit-permutation", block_size=4, invert=False, scramble_blocks=False)
    evidence = held(scheme, victims, public=public)
    found = InverseNetwork(width=8, steps=20).run(evidence, budget=UNLIMITED)
    assert found.facts["starts from"] == "blocks"
    assert score(found, victims).mean("psnr") > 17
    noise = replace(evidence, ciphertexts=scheme.encrypt(aes_noise(*_size(victims)), key=_key()).images)
    floor = InverseNetwork(width=8, steps=20).run(noise, budget=UNLIMITED)
    assert score(floor, victims).mean("psnr") < 14


def _key():
    from pixelveil import Key

    return Key.generate()


def test_what_keeps_places_is_read(victims, public, held):
    found = InverseNetwork(width=16, steps=60).run(
        held(create_scheme("masked-image"), victims, public=public), budget=UNLIMITED
    )
    assert found.facts["loss"] < found.facts["loss before"] * 0.9
    assert score(found, victims).mean("edges") > 0.3


def test_the_same_seed_gives_the_same_pictures(victims, public, held):
    evidence = held(create_scheme("etc-color", block_size=4), victims[:4], public=public[:40])
    first, second = (InverseNetwork(width=4, steps=5).run(evidence, budget=UNLIMITED) for _ in range(2))
    np.testing.assert_array_equal(first.images, second.images)
    assert first.facts == second.facts
    other = InverseNetwork(width=4, steps=5).run(replace(evidence, seed=1), budget=UNLIMITED)
    assert other.facts["loss"] != first.facts["loss"]


def test_time_ends_the_training(victims, public, held):
    evidence = held(create_scheme("skk"), victims[:4], public=public[:40])
    told = []
    found = InverseNetwork(width=4, steps=10**8).run(
        evidence, budget=Budget(seconds=1.5), advance=lambda done, total: told.append((done, total))
    )
    assert 0 < found.facts["steps"] < 10**8
    assert told == sorted(told)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("etc-gray", {}),
        ("etc-color", {"block_size": 4}),
        ("madono-ele", {}),
        ("vit-orthogonal", {"block_size": 4}),
        ("huang", {}),
        ("svd-wang", {"components": 8, "size": 10}),
        ("svd-wang", {"components": 8, "factor": "image"}),
        ("pixel-block-mixing", {"rows": 2, "columns": 2, "donors": 3}),
    ],
)
def test_every_shape_and_unit_is_taken(name, parameters, victims, public, held):
    scheme = create_scheme(name, **parameters)
    plain, known = victims[:5, :18, :22], public[:12, :18, :22]
    evidence = held(own_scheme(scheme, public=victims[5:, :18, :22]), plain, public=known)
    evidence = replace(evidence, scheme=scheme)
    found = InverseNetwork(width=4, steps=2).run(evidence, budget=UNLIMITED)
    assert found.images.shape == (5, 18, 22, 3)


def test_gray_and_flat_images(public, held):
    flat = np.full((2, 16, 16, 1), 40, np.uint8)
    for name in ("vit-permutation", "tanaka-le", "masked-image"):
        scheme = create_scheme(name)
        if name == "vit-permutation":
            scheme = replace(scheme, shuffle=False, scramble_blocks=False)
        evidence = held(scheme, flat, public=public[:10, :16, :16, :1])
        assert InverseNetwork(width=4, steps=2).run(evidence, budget=UNLIMITED).images.shape == flat.shape


def test_large_images_are_learned_from_in_pieces(victims, public, held):
    large = np.tile(victims[:2], (1, 4, 3, 1))
    evidence = held(create_scheme("skk", shuffle="none"), large, public=np.tile(public[:10], (1, 4, 3, 1)))
    found = InverseNetwork(width=4).run(evidence, budget=Budget(seconds=0))
    np.testing.assert_array_equal(found.images, LeadingBit().run(evidence).images)


def test_the_start_is_what_is_nearest(public):
    for name, base in (("skk", "folded"), ("masked-image", "values"), ("madono-ele", "blocks")):
        scheme = create_scheme(name)
        encrypted = encrypt_own(scheme, public, generator=np.random.default_rng(0))
        start = start_of(scheme, plain=public, encrypted=encrypted)
        assert start.base == base
        seen, corrected = start(encrypted[:3])
        assert seen.shape == (3, start.features, 24, 24)
        network = u_net(start.features, 12, width=4)
        assert torch.equal(read(network, seen=seen, base=corrected), corrected)


def test_an_image_and_its_negative_are_one():
    images = torch.rand(6, 3, 8, 8) * 2 - 1
    signs = torch.tensor([1, -1, 1, 1, -1, -1.0])[:, None, None, None]
    assert torch.equal(nearest_reading(images * 0.7, images * signs), images)


def test_where_it_does_not_apply(victims, held):
    attack = InverseNetwork()
    assert "trained network" in attack.obstacle(create_scheme("gan-transform"))
    assert "random network" in attack.obstacle(create_scheme("neuracrypt"))
    for name in ("skk", "tanaka-le", "svd-popescu", "pixel-block-mixing", "xor-stream", "vit-orthogonal"):
        assert attack.obstacle(create_scheme(name)) == "", name
    with pytest.raises(UsageError, match="needs public images"):
        attack.run(held(create_scheme("skk"), victims))
