"""Legacy material from files and seeds, as an asset; and why it is no key."""

import json
import pickle

import numpy as np
import pytest

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme
from pixelveil.schemes.asset import Asset
from pixelveil.schemes.legacy import material
from pixelveil.schemes.legacy.material import legacy_from_arrays, legacy_from_seed, read_arrays, why_not_a_key

SHAPE = (8, 8, 3)
KEY = np.random.RandomState(1).permutation(96)
IMAGES = np.random.default_rng(2).integers(0, 256, (2, *SHAPE), dtype=np.uint8)
LE = create_scheme("tanaka-le")


def saved(path, arrays):
    """Write arrays in the form that the suffix says."""
    if path.suffix == ".npy":
        np.save(path, arrays[""])
    elif path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        path.write_text(json.dumps({name: values.tolist() for name, values in arrays.items()}))
    return path


@pytest.mark.parametrize(
    ("file", "name"), [("k.npy", ""), ("k.npz", "permutation"), ("k.npz", "key"), ("k.json", ""), ("k.json", "key")]
)
def test_files_of_arrays_become_one_asset(tmp_path, file, name):
    arrays = read_arrays(saved(tmp_path / file, {name: KEY}))
    asset = legacy_from_arrays(LE, arrays=arrays, shape=SHAPE)
    assert asset.digest == legacy_from_arrays(LE, arrays={"permutation": KEY.astype(np.uint8)}, shape=SHAPE).digest


def test_a_list_alone_is_one_array(tmp_path):
    (tmp_path / "k.json").write_text(json.dumps(KEY.tolist()))
    np.testing.assert_array_equal(read_arrays(tmp_path / "k.json")[""], KEY)


def test_strings_of_digits_are_arrays_of_digits(tmp_path):
    """ScrambleMix prints its keys so; a 1 keeps the value."""
    (tmp_path / "k.json").write_text(json.dumps({"invs": "01" * 96, "colors": "012345" * 10 + "0123"}))
    asset = legacy_from_arrays(create_scheme("smkk"), arrays=read_arrays(tmp_path / "k.json"), shape=SHAPE)
    assert asset.arrays["mask"][:4].tolist() == [1, 0, 1, 0]
    assert asset.arrays["colors"][:7].tolist() == [0, 1, 2, 3, 4, 5, 0]


def test_from_file_to_asset_to_images_and_back(tmp_path):
    legacy_from_seed(LE, seed=5, rng="numpy", shape=SHAPE).save(tmp_path / "le.pvasset")
    scheme, key = create_scheme("tanaka-le", asset=Asset.load(tmp_path / "le.pvasset")), Key.generate(budget=9)
    encrypted = scheme.encrypt(IMAGES, key=key)
    np.testing.assert_array_equal(scheme.decrypt(encrypted, key=key), IMAGES)
    again = legacy_from_arrays(LE, arrays={"": np.random.RandomState(5).permutation(96)}, shape=SHAPE)
    np.testing.assert_array_equal(
        create_scheme("tanaka-le", asset=again).encrypt(IMAGES, key=key).images, encrypted.images
    )


def test_pickles_are_refused(tmp_path):
    np.save(tmp_path / "k.npy", np.array([{"a": 1}]), allow_pickle=True)
    (tmp_path / "k.npz").write_bytes(pickle.dumps([[4, 4, 3], KEY]))
    for name in ("k.npy", "k.npz"):
        with pytest.raises(IntegrityError, match="no plain arrays"):
            read_arrays(tmp_path / name)
    (tmp_path / "0_.pkl").write_bytes(pickle.dumps([[4, 4, 3], KEY]))
    with pytest.raises(UsageError, match="come as"):
        read_arrays(tmp_path / "0_.pkl")


@pytest.mark.parametrize("content", ["", "{", '{"key": [[1, 2], [3]]}', '{"key": "12x"}', "\u00e9"])
def test_broken_json_is_refused(tmp_path, content):
    (tmp_path / "k.json").write_text(content, encoding="latin-1")
    with pytest.raises(IntegrityError, match="no plain arrays"):
        read_arrays(tmp_path / "k.json")


@pytest.mark.parametrize("content", ["[0.5]", '{"key": null}', '{"key": [true, null]}', "[9999999999]", "[-1]"])
def test_what_is_no_number_of_a_place_is_refused(tmp_path, content):
    (tmp_path / "k.json").write_text(content)
    with pytest.raises(UsageError, match="must hold"):
        legacy_from_arrays(LE, arrays=read_arrays(tmp_path / "k.json"), shape=SHAPE)


def test_missing_and_huge_files_are_refused(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="cannot be read"):
        read_arrays(tmp_path / "none.npy")
    monkeypatch.setattr(material, "_LARGEST_FILE", 100)
    with pytest.raises(IntegrityError, match="larger"):
        read_arrays(saved(tmp_path / "k.npy", {"": KEY}))


def test_an_alias_and_its_name_together_are_refused():
    with pytest.raises(UsageError, match="twice"):
        legacy_from_arrays(LE, arrays={"key": KEY, "permutation": KEY}, shape=SHAPE)


def test_the_switch_is_for_schemes_whose_code_has_the_bug():
    with pytest.raises(UsageError, match="no published code"):
        legacy_from_arrays(LE, arrays={"": KEY}, shape=SHAPE, channel_bug=True)
    etc = create_scheme("etc-color", block_size=4)
    made = [legacy_from_seed(etc, seed=1, rng="python", shape=SHAPE, channel_bug=bug) for bug in (False, True)]
    assert [asset.settings["legacy_channel_bug"] for asset in made] == [False, True]
    assert made[0].digest != made[1].digest


def test_why_it_is_not_a_key():
    seeded = legacy_from_seed(LE, seed=4242, rng="numpy", shape=SHAPE)
    assert "2^32 values" in why_not_a_key(seeded)
    assert "4242" not in why_not_a_key(seeded)
    assert "4242" not in json.dumps(seeded.settings)
    assert material.legacy_bits(seeded) == 32
    cfe = create_scheme("vit-compressible", block_size=8, sub_block_size=4)
    assert "2^31 values" in why_not_a_key(legacy_from_seed(cfe, seed=1, rng="numpy-generator", shape=SHAPE))
    given = legacy_from_arrays(LE, arrays={"": KEY}, shape=SHAPE)
    assert "not made for secrets" in why_not_a_key(given)
    assert material.legacy_bits(given) is None
    keys = np.stack([np.random.RandomState(seed).permutation(96) for seed in range(4)])
    mixed = legacy_from_seed(create_scheme("madono-ele"), seed=3, rng="python", shape=SHAPE, arrays={"keys": keys})
    assert mixed.settings["origin"] == "arrays and seed"
    assert material.legacy_bits(mixed) is None


def test_other_assets_are_not_judged():
    with pytest.raises(UsageError, match="not legacy"):
        why_not_a_key(Asset(scheme="x", kind="basis", arrays={"a": KEY}))
