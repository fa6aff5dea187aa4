import json
import os
import stat

import numpy as np
import pytest

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.schemes.asset import Asset

ARRAYS = {"basis": np.arange(12.0).reshape(3, 4), "mean": np.float32([1, 2]), "empty": np.zeros((0, 3), np.uint8)}


def asset_of(**changes):
    facts = {"scheme": "svd-popescu", "kind": "basis", "arrays": ARRAYS, "settings": {"components": 4}} | changes
    return Asset(**facts)


def test_a_file_gives_it_back(tmp_path):
    path = tmp_path / "basis.safetensors"
    asset = asset_of()
    asset.save(path)
    again = Asset.load(path)
    assert (again.scheme, again.kind, again.settings, again.digest) == (
        asset.scheme,
        asset.kind,
        asset.settings,
        asset.digest,
    )
    assert set(again.arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert again.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(again.arrays[name], array)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "changes",
    [
        {"scheme": "pbm"},
        {"kind": "pool"},
        {"settings": {"components": 5}},
        {"arrays": ARRAYS | {"mean": np.float32([1, 3])}},
        {"arrays": ARRAYS | {"mean": np.float64([1, 2])}},
        {"arrays": ARRAYS | {"basis": ARRAYS["basis"].reshape(4, 3)}},
        {"arrays": {"other" if name == "mean" else name: array for name, array in ARRAYS.items()}},
    ],
)
def test_the_digest_is_over_everything(changes):
    assert asset_of(**changes).digest != asset_of().digest


def test_byte_order_and_strides_do_not_count():
    turned = {name: np.asfortranarray(array.astype(array.dtype.newbyteorder(">"))) for name, array in ARRAYS.items()}
    assert asset_of(arrays=turned).digest == asset_of().digest


@pytest.mark.parametrize("place", [20, -5])
def test_altered_files_are_refused(tmp_path, place):
    path = tmp_path / "a"
    asset_of().save(path)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError):
        Asset.load(path)


def test_other_files_are_refused(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "a"
    with pytest.raises(UsageError, match="cannot be read"):
        Asset.load(path)
    for content in (b"", b"hello", bytes(100)):
        path.write_bytes(content)
        with pytest.raises(IntegrityError, match="is not an asset file"):
            Asset.load(path)
    save_file({"weight": np.zeros(3)}, path)
    with pytest.raises(IntegrityError, match="is not an asset file of this version"):
        Asset.load(path)


def test_a_header_that_no_asset_has_is_refused(tmp_path):
    """Whatever stands in the file: one clear line, for it may come from anybody."""
    facts = {"format": "pixelveil-asset/v1", "scheme": "skk", "kind": "legacy", "settings": {}, "digest": ""}
    texts = ["[" * 100_000, "7", *(json.dumps({**facts, "settings": one}) for one in ([1], 5, "ab", None))]
    types = [("U8", text) for text in texts] + [(one, json.dumps(facts)) for one in ("BF16", "F8_E4M3")]
    for dtype, text in types:
        bytes_each = 2 if dtype == "BF16" else 1
        array = {"dtype": dtype, "shape": [2], "data_offsets": [0, 2 * bytes_each]}
        header = json.dumps({"__metadata__": {"pixelveil": text}, "a": array}).encode()
        (tmp_path / "a").write_bytes(len(header).to_bytes(8, "little") + header + bytes(2 * bytes_each))
        with pytest.raises(IntegrityError, match="is not an asset file"):
            Asset.load(tmp_path / "a")


def test_only_a_file_is_read(tmp_path):
    """A pipe would keep the program waiting for ever."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(UsageError, match="is not a file"):
            Asset.load(path)


def test_nonsense_is_refused():
    with pytest.raises(UsageError, match="an asset is one of basis, pool, weights, legacy"):
        asset_of(kind="key")
    with pytest.raises(UsageError, match="without arrays"):
        asset_of(arrays={})


def test_arrays_are_not_shown():
    assert "11." not in repr(asset_of())
