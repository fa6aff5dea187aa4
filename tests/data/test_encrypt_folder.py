import contextlib
import hashlib
import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from pixelveil.data import decode_image, encrypt_folder, open_images
from pixelveil.data.manifest import Manifest
from pixelveil.data.names import class_code, open_names, pseudonym, pseudonym_key
from pixelveil.errors import BudgetError, IntegrityError, UsageError
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme

SHARED = create_scheme("vit-permutation", block_size=4)
DERIVED = create_scheme("vit-permutation", block_size=4, key_policy="derived")
EPHEMERAL = create_scheme("vit-permutation", block_size=4, key_policy="ephemeral")
FLOATS = create_scheme("vit-orthogonal", block_size=4)


def originals(out, key):
    """Return the original path of each image by its pseudonym, as the owner can read it."""
    salt = bytes.fromhex(Manifest.open(out).header.salt)
    return open_names((out / "names.sealed").read_bytes(), epoch=key.active, salt=salt)


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("storage", ["png", "npy", "wds"])
@pytest.mark.parametrize("scheme", [SHARED, DERIVED], ids=["shared", "derived"])
def test_every_image_is_what_the_scheme_makes_of_it(pets, tmp_path, key, scheme, storage):
    out = tmp_path / "out"
    report = encrypt_folder(pets, out, key=key, scheme=scheme, storage=storage, shard_size=5, workers=2)
    assert (report.images, report.rejected, report.rejected_file, report.finished_before) == (22, 0, None, 0)
    images, paths = open_images(out), originals(out, key)
    for place, row in enumerate(Manifest.open(out).rows()):
        path = paths[row.name]
        nonce = None if row.nonce is None else np.frombuffer(bytes.fromhex(row.nonce), np.uint8)[None]
        alone = scheme.encrypt(decode_image(pets / path)[None], key=key, nonces=nonce).images
        assert np.array_equal(images.read([place]), alone)
        assert (row.group, images.classes[row.label]) == tuple(path.split("/")[:2])
        assert (row.shape, row.encrypted_shape) == ((16, 24, 3), (16, 24, 3))
        part = (out / row.file).read_bytes()[row.offset : row.offset + row.size]
        assert hashlib.sha256(part).hexdigest() == row.sha256


def test_png_files_lie_in_class_folders(pets, tmp_path, key):
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED)
    found = {path.rpartition("/")[0] for path in files(tmp_path / "out")}
    assert found == {"", "train/cat", "train/dog", "test/cat", "test/dog"}


def test_npy_shards_are_plain_arrays_in_the_order_of_the_rows(pets, tmp_path, key):
    out = tmp_path / "out"
    encrypt_folder(pets, out, key=key, scheme=SHARED, storage="npy", shard_size=5)
    names = ["names.sealed", "manifest.jsonl", "test/shard-00000.npy", "test/shard-00001.npy"]
    names += [f"train/shard-0000{number}.npy" for number in range(3)]
    assert sorted(files(out)) == sorted(names)
    for row in Manifest.open(out).rows():
        array = np.load(out / row.file, allow_pickle=False)
        assert np.array_equal(array[row.index].tobytes(), (out / row.file).read_bytes()[row.offset :][: row.size])


def test_wds_shards_hold_image_and_class(pets, tmp_path, key):
    out = tmp_path / "out"
    encrypt_folder(pets, out, key=key, scheme=SHARED, storage="wds", shard_size=8)
    rows = {row.name: row for row in Manifest.open(out).rows()}
    seen = set()
    for path in out.rglob("*.tar"):
        with tarfile.open(path) as archive:
            for member in archive:
                stem, _, kind = member.name.partition(".")
                content = archive.extractfile(member).read()
                if kind == "cls":
                    assert int(content) == rows[stem].label
                else:
                    assert np.asarray(Image.open(io.BytesIO(content))).shape == (16, 24, 3)
                    seen.add(stem)
    assert seen == set(rows)


def test_the_order_of_the_rows_is_not_that_of_the_names(pets, tmp_path, key):
    out = tmp_path / "out"
    encrypt_folder(pets, out, key=key, scheme=SHARED, storage="npy")
    paths = originals(out, key)
    train = [paths[row.name] for row in Manifest.open(out).rows() if row.group == "train"]
    assert train != sorted(train)
    assert [row.name for row in Manifest.open(out).rows()] == [
        *sorted(row.name for row in Manifest.open(out).rows() if row.group == "test"),
        *sorted(row.name for row in Manifest.open(out).rows() if row.group == "train"),
    ]


def test_floats_are_stored_as_declared(pets, tmp_path, key):
    with pytest.raises(UsageError, match="--format npy or wds, or --dtype scaled8"):
        encrypt_folder(pets, tmp_path / "png", key=key, scheme=FLOATS)
    assert not (tmp_path / "png" / ".job" / "job.json").exists()
    for storage in ("npy", "wds"):
        out = tmp_path / storage
        encrypt_folder(pets, out, key=key, scheme=FLOATS, storage=storage)
        assert Manifest.open(out).header.dtype == "float16"
        images, paths = open_images(out), originals(out, key)
        for place, row in enumerate(Manifest.open(out).rows()):
            alone = FLOATS.encrypt(decode_image(pets / paths[row.name])[None], key=key).images
            assert images.read([place]).dtype == np.float32
            assert np.array_equal(images.read([place]), alone.astype(np.float16))


@pytest.mark.parametrize("storage", ["png", "npy", "wds"])
@pytest.mark.parametrize("hide", [False, True])
def test_nothing_of_the_originals_is_in_the_output(tmp_path, key, storage, hide):
    source, out = tmp_path / "plain", tmp_path / "out"
    exif = Image.Exif()
    exif[0x013B] = "DrStrangelove"
    folder = source / "MercyHospital" / "train" / "Melanoma"
    folder.mkdir(parents=True)
    for number in range(5):
        noise = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"JaneDoe-{number}.jpg", exif=exif, comment=b"SecretComment")
    (folder / "JohnRoe.jpg").write_bytes(b"broken")
    encrypt_folder(source, out, key=key, scheme=SHARED, storage=storage, hide_classes=hide)
    everything = b"".join(path.encode() + content for path, content in files(out).items())
    for trace in (b"Mercy", b"JaneDoe", b"JohnRoe", b"Strangelove", b"SecretComment", str(tmp_path).encode()):
        assert trace not in everything
    assert (b"Melanoma" in everything) != hide
    header = Manifest.open(out).header
    assert header.classes == ((class_code("Melanoma", epoch=key.active),) if hide else ("Melanoma",))
    plain = {decode_image(path).tobytes() for path in folder.glob("Jane*")}
    assert not plain & {image.tobytes() for image in open_images(out).read(range(5))}


def test_a_job_hides_its_names_while_it_runs(pets, tmp_path, key):
    out = tmp_path / "out"
    (pets / "train" / "cat" / "patient-broken.png").write_bytes(b"broken")

    seen = []

    def look(done, total):
        for path in out.rglob("*"):
            # Other threads rename their temporary files while this one looks.
            with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                seen.append(path.relative_to(out).as_posix().encode() + path.read_bytes())

    encrypt_folder(pets, out, key=key, scheme=SHARED, shard_size=3, advance=look)
    assert len(seen) > 20
    assert not [content for content in seen if b"patient" in content]


def test_bad_files_are_listed_beside_the_output_and_the_rest_goes_on(pets, tmp_path, key):
    (pets / "train" / "cat" / "bad.png").write_bytes(b"text")
    (pets / "test" / "dog" / "empty.jpg").touch()
    (pets / "test" / "dog" / "away.png").symlink_to("/etc/hostname")
    (pets / "notes.txt").touch()
    report = encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED, storage="npy", shard_size=5)
    assert (report.images, report.rejected, report.ignored) == (22, 3, 1)
    assert report.rejected_file == tmp_path / "out.rejected.jsonl"
    lines = [json.loads(line) for line in report.rejected_file.read_text().splitlines()]
    assert {line["path"]: line["reason"] for line in lines} == {
        "test/dog/away.png": "is a link that leaves the folder",
        "test/dog/empty.jpg": "is not an image in a known format",
        "train/cat/bad.png": "is not an image in a known format",
    }
    again = encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED, storage="npy", shard_size=5)
    assert (again.finished_before, again.rejected) == (22, 3)


def test_a_folder_of_bad_files_is_an_empty_data_set(folder, tmp_path, key):
    source = folder("a/1.png")
    (source / "a" / "1.png").write_bytes(b"text")
    report = encrypt_folder(source, tmp_path / "out", key=key, scheme=SHARED, storage="wds")
    assert (report.images, report.rejected) == (0, 1)
    assert sorted(files(tmp_path / "out")) == ["manifest.jsonl", "names.sealed"]


@pytest.mark.parametrize("storage", ["png", "wds"])
def test_images_of_many_sizes_keep_theirs(folder, tmp_path, key, storage):
    source = folder("a/1.png", "b/2.png")
    for number in range(1, 9):
        Image.new("RGB", (3 * number, 5 + number), (number, 9, 200)).save(source / "a" / f"n{number}.bmp")
    report = encrypt_folder(source, tmp_path / "out", key=key, scheme=SHARED, storage=storage)
    rows, paths = list(Manifest.open(tmp_path / "out").rows()), originals(tmp_path / "out", key)
    assert report.images == len(rows) == 10
    for place, row in enumerate(rows):
        plain = decode_image(source / paths[row.name])
        assert row.shape == plain.shape
        alone = SHARED.encrypt(plain[None], key=key).images
        assert np.array_equal(open_images(tmp_path / "out").read([place]), alone)


def test_one_array_needs_one_size(folder, tmp_path, key):
    source = folder("a/1.png", "a/2.png")
    Image.new("RGB", (10, 10)).save(source / "a" / "3.png")
    with pytest.raises(UsageError, match="use --size") as caught:
        encrypt_folder(source, tmp_path / "out", key=key, scheme=SHARED, storage="npy")
    assert "a/3.png" in caught.value.message
    report = encrypt_folder(source, tmp_path / "out", key=key, scheme=SHARED, storage="npy", size=12)
    assert (report.images, {row.shape for row in Manifest.open(tmp_path / "out").rows()}) == (3, {(12, 12, 3)})


def test_an_image_outside_the_sample_that_differs_is_listed(folder, tmp_path, key, monkeypatch):
    source = folder(*(f"a/{number}.png" for number in range(8)))
    Image.new("RGB", (10, 10)).save(source / "a" / "odd.png")
    monkeypatch.setitem(encrypt_folder.__globals__, "_SAMPLE", 1)
    report = encrypt_folder(source, tmp_path / "out", key=key, scheme=SHARED, storage="npy")
    assert (report.images, report.rejected) == (8, 1)
    assert "(10, 10, 3)" in report.rejected_file.read_text()


def test_a_flat_folder_has_no_classes(folder, tmp_path, key):
    encrypt_folder(folder("1.png", "2.png"), tmp_path / "out", key=key, scheme=SHARED)
    images = open_images(tmp_path / "out")
    assert (images.classes, images.labels.tolist(), images.groups) == ((), [-1, -1], ("", ""))


def test_nonces_and_names_follow_from_salt_and_path(pets, tmp_path, key):
    import hmac

    nonces = []
    for name in ("one", "two"):
        encrypt_folder(pets, tmp_path / name, key=key, scheme=DERIVED, storage="npy")
        header, paths = Manifest.open(tmp_path / name).header, originals(tmp_path / name, key)
        salt = bytes.fromhex(header.salt)
        for row in Manifest.open(tmp_path / name).rows():
            path = paths[row.name]
            assert row.name == pseudonym(path, key=pseudonym_key(key.active, salt=salt))
            changed = (pets / path).stat().st_mtime_ns.to_bytes(8, "big")
            digest = hmac.digest(key.active.subkey(purpose="nonce"), salt + changed + path.encode(), "sha256")
            assert row.nonce == digest[:16].hex()
            nonces.append(row.nonce)
    assert len(set(nonces)) == 44


def test_ephemeral_keys_are_in_no_row_and_cost_no_budget(pets, tmp_path, key):
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=EPHEMERAL)
    assert {row.nonce for row in Manifest.open(tmp_path / "out").rows()} == {None}
    assert key.active.used == 0


def test_the_budget_is_asked_before_the_first_image(pets, tmp_path):
    key = Key.generate(budget=21)
    with pytest.raises(BudgetError, match="22 images are to be encrypted, and the key may encrypt 21 more"):
        encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED)
    assert key.active.used == 0
    enough = Key.generate(budget=22)
    encrypt_folder(pets, tmp_path / "out2", key=enough, scheme=SHARED)
    assert enough.remaining == 0


def test_a_key_that_is_rotated_meanwhile_stops_the_job(pets, tmp_path, key):
    with pytest.raises(IntegrityError, match="rotated while the job ran"):
        encrypt_folder(
            pets, tmp_path / "out", key=key, scheme=SHARED, shard_size=1, workers=1, advance=lambda *_: key.rotate()
        )


def test_places_that_would_mix_plain_and_encrypted_are_refused(pets, tmp_path, key):
    inside = {"out": pets / "out", "around": tmp_path, "same": pets}
    for out in inside.values():
        with pytest.raises(UsageError, match="lies inside"):
            encrypt_folder(pets, out, key=key, scheme=SHARED)
    with pytest.raises(UsageError, match="must not lie in the encrypted folder"):
        encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED, rejected=tmp_path / "out" / "rejected.jsonl")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").touch()
    with pytest.raises(UsageError, match="is not empty"):
        encrypt_folder(pets, tmp_path / "full", key=key, scheme=SHARED)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["precious"]


def test_wrong_parameters_are_refused(pets, tmp_path, key):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no images"):
        encrypt_folder(tmp_path / "empty", tmp_path / "out", key=key, scheme=SHARED)
    for change in ({"storage": "zip"}, {"size": 0}, {"shard_size": 0}):
        with pytest.raises(UsageError):
            encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED, **change)
    assert not (tmp_path / "out").exists()


def test_values_that_do_not_fit_are_not_clipped(folder, tmp_path, key):
    source = folder("a/1.png", size=(256, 256))
    Image.new("RGB", (256, 256), "white").save(source / "a" / "1.png")

    class Large(type(FLOATS)):
        def encrypt(self, images, *, key, nonces=None, client=""):
            encrypted = super().encrypt(images, key=key, nonces=nonces, client=client)
            encrypted.images[:] = 1e6
            return encrypted

    with pytest.raises(UsageError, match="do not fit float16"):
        encrypt_folder(source, tmp_path / "out", key=key, scheme=Large(block_size=4), storage="npy")
