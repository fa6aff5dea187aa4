import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelveil.errors import KeyFileError, UsageError
from pixelveil.keys import keyfile
from pixelveil.keys.epoch import MAX_BUDGET, Epoch, EpochRecord, fingerprint_of
from pixelveil.keys.keyfile import Wrapping, parse, seal, unseal

SALT = bytes(range(16))
WRAPPING = Wrapping("passphrase", salt=SALT, log2_n=10)


def epoch(number, *, state="retired", budget=10, used=3, created="2026-11-20", root=None):
    root = bytes([number]) * 32 if root is None else root
    record = EpochRecord(
        number=number, state=state, fingerprint=fingerprint_of(root), budget=budget, used=used, created=created
    )
    return Epoch(record, root=root)


EPOCHS = (epoch(1), epoch(2, state="active"))
CONTENT = seal(EPOCHS, wrapping=WRAPPING)
LINES = CONTENT.decode().splitlines(keepends=True)


@st.composite
def epoch_lists(draw):
    roots = draw(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=6, unique=True))
    counts = [sorted(draw(st.tuples(*[st.integers(0, MAX_BUDGET)] * 2))) for _ in roots]
    return [
        epoch(
            number,
            state="active" if number == len(roots) else "retired",
            budget=max(1, budget),
            used=used,
            created=draw(st.dates()).isoformat(),
            root=root,
        )
        for number, (root, (used, budget)) in enumerate(zip(roots, counts, strict=True), start=1)
    ]


@given(epoch_lists())
def test_unseal_inverts_seal(epochs):
    opened = unseal(seal(epochs, wrapping=WRAPPING), wrapping=WRAPPING)
    assert list(opened) == epochs
    assert [e.subkey(purpose="p") for e in opened] == [e.subkey(purpose="p") for e in epochs]


@given(epoch_lists())
def test_header_is_readable_without_the_passphrase(epochs):
    header, _ = parse(seal(epochs, wrapping=WRAPPING))
    assert [vars(record) for record in header.epochs] == [
        {name: getattr(e, name) for name in EpochRecord.__dataclass_fields__} for e in epochs
    ]
    assert (header.salt, header.log2_n, header.active) == (SALT, 10, header.epochs[-1])


def test_the_text_is_the_documented_one():
    assert LINES[0] == "pixelveil-key/v1\n"
    assert LINES[1] == "scrypt 10 8 1 AAECAwQFBgcICQoLDA0ODw==\n"
    assert LINES[3] == f"epoch 2 active {EPOCHS[1].fingerprint} budget 10 used 3 created 2026-11-20\n"
    assert LINES[4].startswith("seal chacha20-poly1305 ")
    assert [len(line) for line in LINES[5:]] == [65, 45]


def test_no_root_is_in_the_clear_and_every_nonce_is_fresh():
    again = seal(EPOCHS, wrapping=WRAPPING)
    assert parse(again)[0].nonce != parse(CONTENT)[0].nonce
    assert parse(again)[1] != parse(CONTENT)[1]
    assert all(root not in parse(CONTENT)[1] for root in (bytes([1]) * 8, bytes([2]) * 8))


@pytest.mark.parametrize("size", range(len(CONTENT)))
def test_every_beginning_of_a_file_is_refused(size):
    expected = "truncated" if size >= len("pixelveil-key/") else "is not a key file"
    with pytest.raises(KeyFileError, match=expected) as error:
        parse(CONTENT[:size])
    assert error.value.hint


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_every_altered_byte_is_noticed(place, change):
    altered = bytearray(CONTENT)
    altered[place] ^= change
    with pytest.raises(KeyFileError) as error:
        unseal(bytes(altered), wrapping=WRAPPING)
    assert error.value.hint


@given(st.integers(0, len(CONTENT)), st.binary(min_size=1, max_size=3))
def test_every_inserted_byte_is_noticed(place, more):
    with pytest.raises(KeyFileError):
        unseal(CONTENT[:place] + more + CONTENT[place:], wrapping=WRAPPING)


@pytest.mark.parametrize("line", range(len(LINES)))
def test_every_lost_or_doubled_line_is_noticed(line):
    for lines in (LINES[:line] + LINES[line + 1 :], LINES[: line + 1] + LINES[line:]):
        with pytest.raises(KeyFileError):
            unseal("".join(lines).encode(), wrapping=WRAPPING)


@given(st.binary(max_size=300))
def test_whatever_follows_the_magic_is_refused_in_one_way(garbage):
    with pytest.raises(KeyFileError):
        parse(b"pixelveil-key/v1\n" + garbage)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("pixelveil-key/v1", "pixelveil-key/v2", "unknown version pixelveil-key/v2"),
        ("pixelveil-key/v1\n", "pixelveil-key/v1\r\n", "line 1"),
        ("scrypt 10 8 1", "scrypt 09 8 1", "cost 9"),
        ("scrypt 10 8 1", "scrypt 21 8 1", "cost 21"),
        ("scrypt 10 8 1", "scrypt 10 9 1", "line 2"),
        ("scrypt 10 8 1 AAEC", "scrypt 10 8 1 ", "wrong length"),
        ("DA0ODw==", "DA0ODx==", "not written as"),
        ("epoch 2 active", "epoch 2 retired", "last epoch is active"),
        ("epoch 1 retired", "epoch 1 active", "last epoch is active"),
        ("epoch 1 retired", "epoch 3 retired", "not numbered from 1"),
        ("epoch 1 retired", "epoch 01 retired", "line 3"),
        ("budget 10 used 3", "budget 2 used 3", "used 3 is not between"),
        ("budget 10 used 3", "budget 0 used 0", "budget 0 is not between"),
        ("budget 10 used 3", f"budget {2**53} used 3", "is not between"),
        ("created 2026-11-20", "created 2026-11-31", "not a date"),
        ("chacha20-poly1305", "aes-256-gcm", "line 5"),
    ],
)
def test_damage_is_named(old, new, message):
    text = CONTENT.decode()
    assert old in text
    with pytest.raises(KeyFileError, match=message) as error:
        parse(text.replace(old, new, 1).encode(), name="my.pvkey")
    assert error.value.message.startswith("my.pvkey: ")
    assert error.value.hint


def test_a_file_without_epochs_is_refused():
    with pytest.raises(KeyFileError, match="last epoch is active"):
        parse("".join(LINES[:2] + LINES[4:]).encode())


def test_two_epochs_of_one_root_are_refused():
    twins = [epoch(1, root=bytes(32)), epoch(2, state="active", root=bytes(32))]
    with pytest.raises(UsageError, match="same fingerprint"):
        seal(twins, wrapping=WRAPPING)


@pytest.mark.parametrize("change", [("used 3", "used 2"), ("used 3", "used 4"), ("budget 10", "budget 11")])
def test_counts_are_authenticated(change):
    with pytest.raises(KeyFileError, match="wrong passphrase, or the file was altered"):
        unseal(CONTENT.replace(*(part.encode() for part in change), 1), wrapping=WRAPPING)


def test_wrong_passphrase_is_refused():
    with pytest.raises(KeyFileError, match="wrong passphrase, or the file was altered"):
        unseal(CONTENT, wrapping=Wrapping("Passphrase", salt=SALT, log2_n=10))


def test_wrapping_of_another_salt_is_refused():
    with pytest.raises(KeyFileError, match="another passphrase since"):
        unseal(CONTENT, wrapping=Wrapping("passphrase", salt=bytes(16), log2_n=10))


def test_fingerprints_that_do_not_fit_the_sealed_roots_are_refused():
    liar = epoch(1, state="active")
    liar._root = bytes(32)
    with pytest.raises(KeyFileError, match="not the one that fingerprint"):
        unseal(seal([liar], wrapping=WRAPPING), wrapping=WRAPPING)


def test_oversized_content_is_refused():
    with pytest.raises(KeyFileError, match="larger than"):
        parse(CONTENT + bytes(keyfile.MAX_FILE_BYTES))


def test_too_many_epochs_are_refused(monkeypatch):
    monkeypatch.setattr(keyfile, "MAX_FILE_BYTES", len(CONTENT) - 1)
    with pytest.raises(UsageError, match="2 epochs are too many"):
        seal(EPOCHS, wrapping=WRAPPING)


@pytest.mark.parametrize(("typed", "same"), [("caf\u00e9", "cafe\u0301"), ("\u2167", "VIII"), ("\uff21", "A")])
def test_passphrase_counts_in_its_nfkc_form(typed, same):
    content = seal(EPOCHS, wrapping=Wrapping(typed, salt=SALT, log2_n=10))
    assert unseal(content, wrapping=Wrapping(same, salt=SALT, log2_n=10)) == EPOCHS


@pytest.mark.parametrize(("passphrase", "message"), [("", "is empty"), ("\ud800", "not valid text")])
def test_impossible_passphrases_are_refused(passphrase, message):
    with pytest.raises(UsageError, match=message):
        Wrapping.fresh(passphrase)


def test_fresh_wrapping_costs_what_it_should():
    first, second = Wrapping.fresh("p"), Wrapping.fresh("p")
    assert first.log2_n == 17
    assert first.salt != second.salt


def test_wrapping_cannot_leave_the_process():
    with pytest.raises(UsageError, match="cannot be pickled"):
        pickle.dumps(WRAPPING)
