"""Both learned schemes with tiny networks: vectors, assets, folders, any size, no key, nobody goes back."""

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pixelveil.data import encrypt_folder
from pixelveil.data.reader import open_images
from pixelveil.errors import IntegrityError, MissingExtraError, UsageError
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme, encryption, list_schemes
from pixelveil.schemes.asset import Asset

TESTS = Path(__file__).resolve().parents[2]
cases = SimpleNamespace(**runpy.run_path(str(TESTS / "schemes" / "learned_cases.py")))
VECTORS = json.loads((TESTS.parent / "spec" / "vectors" / "networks-v1.json").read_text())
NAMES = ["gan-transform", "image-to-perturbation"]
SHAPES = [(1, 1), (8, 8), (9, 14), (32, 32), (37, 5)]

every_scheme = pytest.mark.parametrize("name", NAMES)


def images_of(count, side, channels=3):
    return np.random.default_rng(1).integers(0, 256, (count, *side, channels), dtype=np.uint8)


def scheme_of(name):
    pytest.importorskip("torch")
    return create_scheme(name, asset=cases.asset_of(name))


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"{case['scheme']}-{case['shape']}")
def test_images_are_transformed_as_the_reference_does(case):
    torch = pytest.importorskip("torch")
    asset = cases.asset_of(case["scheme"], width=case["width"], depth=case["depth"])
    scheme = create_scheme(case["scheme"], asset=asset)
    height, width, channels = case["shape"]
    plain = np.frombuffer(bytes.fromhex(case["plain"]), np.uint8).reshape(height, width, channels)
    levels = np.array(case["levels"]).reshape(height, width, 3)
    pixels = torch.from_numpy(plain.astype(np.float32) / 255).permute(2, 0, 1).expand(3, -1, -1)[None]
    made = 255 * scheme.steps()[0].network(pixels)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(made, levels, rtol=0, atol=VECTORS["tolerance"])
    encrypted = scheme.encrypt(plain).images
    assert np.abs(encrypted - levels).max() <= 0.5 + VECTORS["tolerance"]


def test_the_vectors_are_what_their_generator_writes():
    made = cases.spec.VECTORS["networks-v1"]()
    assert json.loads(cases.spec.base.compact(made)) == VECTORS


@every_scheme
@pytest.mark.parametrize("side", SHAPES)
def test_any_size_color_and_gray(name, side):
    scheme = scheme_of(name)
    for channels in (1, 3):
        plain = images_of(2, side, channels)
        encrypted = scheme.encrypt(plain)
        assert encrypted.images.shape == (2, *scheme.encrypted_shape((*side, channels))) == (2, *side, 3)
        assert encrypted.images.dtype == np.uint8
    assert scheme.key_bits((*side, 3)) == 0


@every_scheme
def test_an_image_is_transformed_the_same_alone_and_among_others(name):
    scheme, plain = scheme_of(name), images_of(7, (12, 10))
    together = scheme.encrypt(plain).images
    np.testing.assert_array_equal(scheme.encrypt(plain[::-1]).images[::-1], together)
    for image, made in zip(plain, together, strict=True):
        np.testing.assert_array_equal(scheme.encrypt(image).images, made)
    assert len({made.tobytes() for made in together}) == len(together)


@every_scheme
def test_chunks_and_threads_change_nothing(name, monkeypatch):
    scheme, plain = scheme_of(name), images_of(9, (12, 10))
    expected = scheme.encrypt(plain).images
    monkeypatch.setattr(encryption, "_CHUNK_BYTES", 1)
    np.testing.assert_array_equal(scheme.encrypt(plain).images, expected)


@every_scheme
def test_every_kind_of_image_is_transformed_the_same(name):
    torch = pytest.importorskip("torch")
    scheme, plain = scheme_of(name), images_of(1, (9, 14))
    expected = scheme.encrypt(plain).images
    pil = scheme.encrypt(Image.fromarray(plain[0])).images
    np.testing.assert_array_equal(np.asarray(pil), expected[0])
    tensor = scheme.encrypt(torch.from_numpy(plain).permute(0, 3, 1, 2).float() / 255).images
    np.testing.assert_allclose(255 * tensor.permute(0, 2, 3, 1).numpy(), expected, atol=1e-3)


@every_scheme
def test_there_is_no_key_and_no_way_back(name):
    scheme, key = scheme_of(name), Key.generate(budget=1)
    encrypted = scheme.encrypt(images_of(3, (8, 8)), key=key)
    assert (encrypted.fingerprint, encrypted.epoch, encrypted.nonces, key.active.used) == ("", 0, None, 0)
    with pytest.raises(UsageError, match="loses information by design"):
        scheme.decrypt(encrypted, key=key)
    with pytest.raises(UsageError, match="there is no plan to ask for"):
        scheme.plan(key=key, shape=(8, 8, 3))
    with pytest.raises(UsageError, match="key_policy must be one of none, not 'shared'"):
        create_scheme(name, key_policy="shared")


@every_scheme
def test_it_can_be_listed_and_shown_without_weights_but_not_run(name):
    scheme = create_scheme(name)
    assert name in list_schemes()
    assert [step.key_bits(shape=(9, 14, 3)) for step in scheme.steps()] == [0.0]
    assert scheme.encrypted_shape((9, 14, 3)) == (9, 14, 3)
    with pytest.raises(UsageError, match=f"{name} needs its asset") as caught:
        scheme.encrypt(images_of(1, (8, 8)))
    assert "pixelveil schemes fit" in caught.value.hint


@every_scheme
def test_assets_go_through_a_file(name, tmp_path):
    scheme, plain = scheme_of(name), images_of(1, (8, 8))
    cases.asset_of(name).save(tmp_path / "weights")
    again = create_scheme(name, asset=Asset.load(tmp_path / "weights"))
    assert (again.asset, again.digest) == (scheme.asset, scheme.digest)
    np.testing.assert_array_equal(again.encrypt(plain).images, scheme.encrypt(plain).images)
    other = create_scheme(name, asset=cases.asset_of(name, depth=3))
    assert other.digest != scheme.digest
    assert not np.array_equal(other.encrypt(plain).images, scheme.encrypt(plain).images)


@every_scheme
def test_weights_of_something_else_are_refused(name):
    good, foreign = cases.arrays_of(name), cases.arrays_of(next(other for other in NAMES if other != name))
    some = next(iter(good))
    for arrays, message in (
        (foreign, "these are not the weights of a"),
        ({"last/bias": good["last/bias"]}, "these are not the weights of a"),
        ({label: array for label, array in good.items() if label != "last/bias"}, "'last/bias' is missing"),
        (good | {"last/bias": np.zeros(4, np.float32)}, r"'last/bias' is float32 \(4,\)"),
        (good | {some: np.full_like(good[some], np.inf)}, "no training gives"),
        (good | {some: np.float32(1)}, "these are not the weights of a"),
    ):
        with pytest.raises(IntegrityError, match=message):
            create_scheme(name, asset=Asset(scheme=name, kind="weights", arrays=arrays))
    with pytest.raises(UsageError, match="cannot use a pool asset"):
        create_scheme(name, asset=replace(cases.asset_of(name), kind="pool"))


@every_scheme
def test_without_pytorch_one_line_names_the_extra(name, monkeypatch):
    scheme = create_scheme(name, asset=cases.asset_of(name))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pixelveil\[models\]'"):
        scheme.encrypt(images_of(1, (8, 8)))


@every_scheme
def test_weights_are_not_shown(name):
    scheme = scheme_of(name)
    scheme.encrypt(images_of(1, (8, 8)))
    for thing in (scheme, *scheme.steps()):
        assert len(repr(thing)) < 120


@every_scheme
def test_folders_of_any_sizes(name, tmp_path):
    scheme, source = scheme_of(name), tmp_path / "plain"
    sides = [(32, 32), (224, 224), (33, 47)]
    for number, side in enumerate(sides):
        (source / "a").mkdir(parents=True, exist_ok=True)
        Image.fromarray(images_of(1, side)[0]).save(source / "a" / f"{number}.png")
    report = encrypt_folder(source, tmp_path / "out", key=Key.generate(budget=1), scheme=scheme)
    assert (report.images, report.rejected) == (3, 0)
    stored = open_images(tmp_path / "out")
    made = [stored.read([place])[0] for place in range(3)]
    expected = [scheme.encrypt(images_of(1, side)[0]).images for side in sides]
    assert sorted(one.tobytes() for one in made) == sorted(one.tobytes() for one in expected)
