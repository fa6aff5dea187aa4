"""Schemes whose results have other shapes than the images, other channels, no key, or an asset: nothing is special."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from pixelveil.data import (
    decode_image,
    decrypt_folder,
    describe_folder,
    encrypt_folder,
    find_faults,
    open_images,
)
from pixelveil.data.manifest import Manifest
from pixelveil.data.names import open_names
from pixelveil.errors import IntegrityError, UsageError
from pixelveil.keys import Key
from pixelveil.plans import LanePlan
from pixelveil.plans.forward import ForwardPlan, Operation
from pixelveil.schemes import Scheme, create_scheme
from pixelveil.schemes.asset import Asset
from pixelveil.schemes.catalogue import SCHEMES, list_schemes
from pixelveil.steps import BlockScramble


@dataclass(frozen=True, kw_only=True)
class Resize:
    """A step without a key that gives (H // down, columns, channels): row means, repeated, with a ramp."""

    down: int
    columns: int | None
    channels: int
    name: str = "resize"

    def plan(self, *, material, role, shape):
        height, width, channels = self.output_shape(shape)

        def work(images):
            rows = images.astype(np.float32).mean(axis=(2, 3))[:, :: self.down][:, :height, None, None]
            return rows * np.linspace(-1, 2, width * channels, dtype=np.float32).reshape(1, 1, width, channels)

        return ForwardPlan(parts=(Operation(self.name, work),))

    def key_bits(self, *, shape):
        return 0.0

    def output_shape(self, shape):
        return shape[0] // self.down, self.columns or shape[1] // self.down, self.channels


@dataclass(frozen=True, kw_only=True)
class Fake(Scheme):
    """Shape of a projection (H x 5 x 3), of a network's patches (H/16 x W/16 x 300), of two channels; no key."""

    name: ClassVar[str] = "fake"
    output_dtype: ClassVar[str] = "float32"
    reversible: ClassVar[bool] = False
    policies: ClassVar[tuple[str, ...]] = ("none", "shared")

    key_policy: str = "none"
    block_size: int = 16
    down: int = 1
    columns: int = 0
    channels: int = 3

    def steps(self):
        return (Resize(down=self.down, columns=self.columns or None, channels=self.channels),)


@dataclass(frozen=True, kw_only=True)
class SideBySide(Scheme):
    """Three planes side by side, blocks scrambled."""

    name: ClassVar[str] = "side-by-side"
    planes: ClassVar[str] = "side by side"

    block_size: int = 8

    def steps(self):
        return (BlockScramble(block_size=self.block_size),)


@dataclass(frozen=True, kw_only=True)
class MaskStep:
    """XOR of each pixel with three values of an asset."""

    mask: tuple[int, ...]
    name: str = "mask"

    def plan(self, *, material, role, shape):
        return LanePlan(flip=np.array(self.mask, np.uint8), block_size=1)

    def key_bits(self, *, shape):
        return 0.0


@dataclass(frozen=True, kw_only=True)
class WithAsset(Scheme):
    """XOR with what an asset holds."""

    name: ClassVar[str] = "with-asset"
    asset_kinds: ClassVar[tuple[str, ...]] = ("basis",)
    needs_asset: ClassVar[bool] = True

    def steps(self):
        mask = self.arrays["mask"] if self.bound else (0, 0, 0)
        return (MaskStep(mask=tuple(int(value) for value in mask)),)


@pytest.fixture(autouse=True)
def known(monkeypatch):
    for scheme in (Fake, SideBySide, WithAsset):
        monkeypatch.setitem(SCHEMES, scheme.name, scheme)


def asset(value, path=None):
    made = Asset(scheme="with-asset", kind="basis", arrays={"mask": np.array([value, 0, 255], np.uint8)})
    if path is not None:
        made.save(path)
    return made


PROJECTION = {"columns": 5}
PATCHES = {"down": 16, "channels": 300}
TWO = {"channels": 2}


@pytest.mark.parametrize("storage", ["npy", "wds", "png"])
@pytest.mark.parametrize("dtype", ["float16", "scaled8"])
@pytest.mark.parametrize(
    ("facts", "shape"),
    [(PROJECTION, (32, 5, 3)), (PATCHES, (2, 3, 300)), (TWO, (32, 48, 2))],
    ids=["projection", "patches", "two channels"],
)
def test_shapes_of_all_kinds_go_through(folder, tmp_path, key, storage, dtype, facts, shape):
    source = folder("a/1.png", "a/2.png", "b/3.png", size=(40, 30))
    scheme, out = Fake(**facts), tmp_path / "out"
    job = {"key": key, "scheme": scheme, "storage": storage, "dtype": dtype, "shard_size": 2}
    if storage == "png" and (dtype == "float16" or shape[2] != 3):
        with pytest.raises(UsageError, match="PNG cannot hold"):
            encrypt_folder(source, out, **job)
        return
    encrypt_folder(source, out, **job)
    assert find_faults(out, key=key) == ()
    assert describe_folder(out)["shapes"] == {"x".join(map(str, shape)): 3}
    salt = bytes.fromhex(Manifest.open(out).header.salt)
    paths = open_names((out / "names.sealed").read_bytes(), epoch=key.active, salt=salt)
    images = open_images(out)
    assert images.read(range(3)).shape == (3, *shape)
    for place, row in enumerate(Manifest.open(out).rows()):
        assert (row.shape, row.encrypted_shape) == ((30, 40, 3), shape)
        alone = scheme.encrypt(decode_image(source / paths[row.name])[None]).images[0]
        limit = np.abs(alone) / 2048 if row.unit is None else row.unit * 0.5001
        assert (np.abs(images.read([place])[0] - alone) <= limit + 1e-4).all()


@pytest.mark.parametrize("storage", ["png", "npy", "wds"])
def test_planes_side_by_side_come_back(folder, tmp_path, key, storage):
    source = folder("a/1.png", "a/2.png", "b/3.png", size=(21, 13))
    out = tmp_path / "out"
    encrypt_folder(source, out, key=key, scheme=SideBySide(), storage=storage)
    assert {row.encrypted_shape for row in Manifest.open(out).rows()} == {(16, 72, 1)}
    assert open_images(out).read(range(3)).shape == (3, 16, 72, 1)
    decrypt_folder(out, tmp_path / "back", key=key)
    for path in source.rglob("*.png"):
        assert np.array_equal(decode_image(tmp_path / "back" / path.relative_to(source)), decode_image(path))


def test_one_array_holds_only_images_of_one_size_whatever_their_result(folder, tmp_path, key):
    """All results would be 16 x 5 x 3; but what is not the same before is not the same job of padding and cropping."""
    source = folder("a/1.png", size=(40, 16))
    folder("a/2.png", size=(33, 16), name="plain/b")
    with pytest.raises(UsageError, match="a shard is one array"):
        encrypt_folder(source, tmp_path / "out", key=key, scheme=Fake(**PROJECTION), storage="npy")


def test_without_a_key_nothing_is_counted_and_nothing_decrypted(folder, tmp_path):
    key = Key.generate(budget=1)
    source = folder("a/1.png", "a/2.png", "b/3.png", size=(32, 32))
    out = tmp_path / "out"
    report = encrypt_folder(source, out, key=key, scheme=Fake(**PROJECTION), storage="npy")
    header = Manifest.open(out).header
    assert (report.images, key.remaining, header.key_policy) == (3, 1, "none")
    assert header.fingerprint == key.fingerprint
    assert {row.nonce for row in Manifest.open(out).rows()} == {None}
    assert find_faults(out, key=key) == ()
    with pytest.raises(UsageError, match="cannot be decrypted by anybody"):
        decrypt_folder(out, tmp_path / "back", key=key)
    other = Key.generate()
    with pytest.raises(IntegrityError, match="made with key"):
        decrypt_folder(out, tmp_path / "back", key=other)
    # Names and MAC are under the key all the same.
    assert encrypt_folder(source, out, key=key, scheme=Fake(**PROJECTION), storage="npy").finished_before == 3
    with pytest.raises(UsageError, match="another fingerprint"):
        encrypt_folder(source, out, key=other, scheme=Fake(**PROJECTION), storage="npy")


def test_what_loses_information_is_not_decrypted_under_a_kept_key_either(folder, tmp_path, key):
    source = folder("a/1.png", "b/2.png", size=(32, 32))
    encrypt_folder(source, tmp_path / "out", key=key, scheme=Fake(key_policy="shared"), storage="wds")
    assert key.active.used == 2
    with pytest.raises(UsageError, match="cannot be decrypted by anybody"):
        decrypt_folder(tmp_path / "out", tmp_path / "back", key=key)


def test_an_asset_is_named_by_the_manifest_and_needed_again(pets, tmp_path, key):
    file, out, back = tmp_path / "mask.pvasset", tmp_path / "out", tmp_path / "back"
    made = asset(77, file)
    scheme = create_scheme("with-asset", asset=Asset.load(file))
    encrypt_folder(pets, out, key=key, scheme=scheme)
    assert Manifest.open(out).header.parameters["asset"] == made.digest
    with pytest.raises(UsageError, match=f"asset {made.digest[:16]}, which is missing") as caught:
        decrypt_folder(out, back, key=key)
    assert "--asset" in caught.value.hint
    asset(78, tmp_path / "other")
    with pytest.raises(UsageError, match=made.digest[:16]):
        decrypt_folder(out, back, key=key, asset=tmp_path / "other")
    with pytest.raises(UsageError, match="cannot be read"):
        decrypt_folder(out, back, key=key, asset=tmp_path / "nothing")
    assert not back.exists()
    assert decrypt_folder(out, back, key=key, asset=file) == 22
    for path in pets.rglob("*.png"):
        assert np.array_equal(decode_image(back / path.relative_to(pets)), decode_image(path))
    with pytest.raises(UsageError, match="another parameters"):
        encrypt_folder(pets, out, key=key, scheme=create_scheme("with-asset", asset=asset(78)))


def test_an_asset_that_is_only_named_encrypts_nothing(pets, tmp_path, key):
    with pytest.raises(UsageError, match="needs its asset"):
        encrypt_folder(pets, tmp_path / "out", key=key, scheme=create_scheme("with-asset", asset=asset(1).digest))
    assert key.active.used == 0
    assert not (tmp_path / "out" / ".job").exists()


def test_an_asset_that_nobody_needs_is_refused(pets, tmp_path, key):
    asset(1, tmp_path / "mask")
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=create_scheme("skk"))
    with pytest.raises(UsageError, match="without an asset"):
        decrypt_folder(tmp_path / "out", tmp_path / "back", key=key, asset=tmp_path / "mask")


SIDES = [(32, 32), (37, 53), (1, 1), (17, 16), (16, 33)]


def reversible():
    """Every scheme of the catalogue that its owner can undo without an asset, under each policy that keeps keys."""
    for name in list_schemes():
        kind = SCHEMES[name]
        if not kind.needs_asset:
            for policy in ("shared", "derived"):
                if policy in kind.policies and create_scheme(name, key_policy=policy).reversible:
                    yield pytest.param(create_scheme(name, key_policy=policy), id=f"{name}-{policy}")


@pytest.fixture
def odd(tmp_path):
    """Noise of the usual sizes and of odd ones, and one larger image."""
    generator = np.random.default_rng(0)
    for height, width in (*SIDES, (224, 224)):
        path = tmp_path / "plain" / "a" / f"{height}x{width}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(path)
    return tmp_path / "plain"


@pytest.mark.parametrize("scheme", list(reversible()))
def test_every_size_comes_back_exactly(odd, tmp_path, key, scheme):
    exact = scheme.output_dtype == "uint8"
    report = encrypt_folder(odd, tmp_path / "out", key=key, scheme=scheme, storage="png" if exact else "wds")
    assert report.rejected == 0
    decrypt_folder(tmp_path / "out", tmp_path / "back", key=key)
    for path in odd.rglob("*.png"):
        plain, back = decode_image(path), decode_image(tmp_path / "back" / path.relative_to(odd))
        assert back.shape == plain.shape
        assert np.abs(back.astype(int) - plain).max() <= (0 if exact else 2)
