import pytest

from pixelveil.errors import IntegrityError
from pixelveil.models.layout import Embedding, Gather, Layout, Wrapped

LAYOUT = Layout(
    embedding=Embedding(weight="proj.weight", bias="", patch_size=8, channels=3),
    image_size=(32, 48),
    family="timm Eva",
    gathers=(Gather("pos_embed", (1,), 1), Gather("rope.order", (0,))),
    wrapped=(Wrapped("rope", (-2,)),),
    shifted=Gather("pos_embed", (1,), 1),
    prefix=1,
)


def test_json_round_trip():
    assert Layout.from_json(LAYOUT.to_json()) == LAYOUT
    bare = Layout(embedding=Embedding("w", "b", 4, 1, "hwc"), image_size=(8, 8), fixed="windows")
    assert Layout.from_json(bare.to_json()) == bare


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        LAYOUT.to_json()[:-1],
        LAYOUT.to_json().replace("gathers", "gather"),
        LAYOUT.to_json().replace('"axes":[1]', '"axes":1'),
        LAYOUT.to_json().replace('"axes":[1]', '"axes":[true]'),
        LAYOUT.to_json().replace('"axes":[1]', '"axes":[1e9]'),
        LAYOUT.to_json().replace('"start":1', '"start":-1'),
        LAYOUT.to_json().replace('"start":1', f'"start":{10**30}'),
        LAYOUT.to_json().replace('"weight":"proj.weight"', '"weight":null'),
        LAYOUT.to_json().replace('"patch_size":8', '"patch_size":0'),
        LAYOUT.to_json().replace('"channels":3', '"channels":true'),
        LAYOUT.to_json().replace("[32,48]", "[32]"),
        LAYOUT.to_json().replace("[32,48]", f"[32,{10**30}]"),
        LAYOUT.in_form("dense").to_json().replace('"dense"', '"sparse"'),
        "[" * 100_000,
    ],
)
def test_a_garbled_layout_is_refused(text):
    with pytest.raises(IntegrityError):
        Layout.from_json(text)


def test_the_form_is_written_only_where_it_is_not_one_kernel_for_all():
    assert "form" not in LAYOUT.to_json()
    for form in ("signed", "dense"):
        held = LAYOUT.in_form(form)
        assert (held.form, Layout.from_json(held.to_json())) == (form, held)
        assert held.in_form("shared") == LAYOUT


def test_signed_maps_are_part_of_the_stem():
    names = ("proj.weight", "proj.index", "proj.scale", "proj.shift", "pos_embed", "rope.order")
    assert LAYOUT.in_form("signed").names == names
    assert LAYOUT.in_form("dense").names == LAYOUT.names
    assert LAYOUT.under("a.b").in_form("signed").names[1] == "a.b.proj.index"
    bare = Layout(embedding=Embedding("weight", "bias", 4, 1, form="signed"), image_size=(8, 8))
    assert bare.names == ("weight", "bias", "index", "scale", "shift")


def test_grid_and_names():
    assert LAYOUT.grid == (4, 6)
    assert LAYOUT.patches == 24
    assert LAYOUT.names == ("proj.weight", "pos_embed", "rope.order")


def test_under_prefixes_every_name_that_there_is():
    outer = LAYOUT.under("backbone.vit")
    assert outer.names == ("backbone.vit.proj.weight", "backbone.vit.pos_embed", "backbone.vit.rope.order")
    assert outer.wrapped[0].module == "backbone.vit.rope"
    assert outer.shifted is not None
    assert outer.shifted.name == "backbone.vit.pos_embed"
    assert outer.embedding.bias == ""
    assert LAYOUT.under("") is LAYOUT
