import copy

import pytest
import torch
from timm.models.mlp_mixer import MlpMixer

from pixelveil.errors import IntegrityError, UnsupportedModelError
from pixelveil.models.families import settle_and_describe
from pixelveil.models.prepare import prepare, read_tensors, write_tensors
from pixelveil.models.rotary import Reordered

NAMES = ["vit_tiny_patch16_224", "beit_base_patch16_224", "vit_small_patch16_rope_224", "convit_tiny", "mixer"]


def prepared(model):
    layout = settle_and_describe(model, image_size=(32, 32))
    prepare(model, layout=layout)
    return layout


@pytest.fixture
def make(make_plain):
    def build(name):
        if name != "mixer":
            return make_plain(name)
        torch.manual_seed(0)
        return MlpMixer(num_classes=5, img_size=32, patch_size=8, num_blocks=2, embed_dim=48).eval()

    return build


@pytest.mark.parametrize("name", NAMES)
def test_a_prepared_model_answers_as_before_and_saves_all_that_a_key_changes(make, name):
    plain, images = make(name), torch.randn(2, 3, 32, 32)
    model = copy.deepcopy(plain)
    layout = prepared(model)
    with torch.no_grad():
        assert torch.equal(model(images), plain(images))
    assert set(layout.names) <= set(model.state_dict())
    assert set(layout.names) == set(read_tensors(model, layout=layout))


def test_a_prepared_model_stays_as_it_is(make):
    model = make("vit_small_patch16_rope_224")
    layout = prepared(model)
    names = list(model.state_dict())
    prepare(model, layout=layout)
    assert list(model.state_dict()) == names
    assert isinstance(model.rope, Reordered)
    assert not isinstance(model.rope.inner, Reordered)


def test_a_missing_bias_is_added_where_no_table_can_take_its_place(make_plain):
    model = make_plain("vit_base_patch16_clip_224", pos_embed="none")
    assert model.patch_embed.proj.bias is None
    prepared(model)
    assert model.patch_embed.proj.bias.abs().max() == 0


@pytest.mark.parametrize("damage", ["missing", "shape"])
def test_tensors_are_written_all_or_none(make, damage):
    model = make("vit_tiny_patch16_224")
    layout = prepared(model)
    tensors = {name: torch.ones_like(tensor) for name, tensor in read_tensors(model, layout=layout).items()}
    last = layout.names[-1]
    tensors = {name: t for name, t in tensors.items() if name != last} | (
        {last: torch.ones(1, 2, 3)} if damage == "shape" else {}
    )
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(IntegrityError, match=last):
        write_tensors(model, tensors, layout=layout)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_a_model_without_the_parts_is_refused(make):
    layout = prepared(make("vit_tiny_patch16_224"))
    with pytest.raises(IntegrityError, match="no module"):
        read_tensors(torch.nn.Linear(2, 2), layout=layout)


@pytest.mark.parametrize("form", ["signed", "dense"])
@pytest.mark.parametrize("name", NAMES)
def test_a_model_prepared_for_keys_by_block_answers_as_before(make, name, form):
    plain, images = make(name), torch.randn(2, 3, 32, 32)
    model = copy.deepcopy(plain)
    layout = settle_and_describe(model, image_size=(32, 32)).in_form(form)
    prepare(model, layout=layout)
    with torch.no_grad():
        torch.testing.assert_close(model(images), plain(images), atol=1e-4, rtol=1e-4)
    assert set(layout.names) == set(read_tensors(model, layout=layout)) <= set(model.state_dict())


def test_a_patch_embedding_alone_cannot_be_replaced():
    model = torch.nn.Conv2d(3, 4, 8, stride=8)
    layout = settle_and_describe(model, image_size=(32, 32))
    prepare(model, layout=layout)
    with pytest.raises(UnsupportedModelError, match="alone"):
        prepare(model, layout=layout.in_form("signed"))
