import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelveil.errors import UsageError
from pixelveil.keys.derive import derive, label

TEXT = st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)
LABELS = st.fixed_dictionaries(
    {"purpose": TEXT.filter(bool), "scheme": TEXT, "client": TEXT, "role": TEXT},
)


@given(LABELS)
def test_label_can_be_read_back_so_no_two_are_equal(labels):
    version, *lines = label(**labels).decode("ascii").split("\n")
    assert version == "pixelveil/v1"
    assert dict(line.split("=", 1) for line in lines[:-1]) == labels
    assert lines[-1] == ""


@given(LABELS, LABELS)
def test_different_labels_give_different_subkeys(first, second):
    secret = bytes(range(32))
    assert (derive(secret, **first) == derive(secret, **second)) == (first == second)


@given(st.sampled_from(["purpose", "scheme", "client", "role"]), st.characters())
def test_only_printable_ascii_is_a_label(name, sign):
    labels = {"purpose": "p", name: f"a{sign}b"}
    if " " <= sign <= "~":
        label(**labels)
    else:
        with pytest.raises(UsageError, match=f"{name} .* is not printable ASCII"):
            label(**labels)


def test_empty_purpose_is_refused():
    with pytest.raises(UsageError, match="needs a purpose"):
        derive(bytes(32), purpose="")


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_secret_of_another_length_is_refused(size):
    with pytest.raises(UsageError, match=f"not {size}"):
        derive(bytes(size), purpose="p")
