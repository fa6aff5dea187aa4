import copy

import pytest
import torch

from pixelveil.models.families import settle_and_describe
from pixelveil.models.hold import hold
from pixelveil.models.outputs import normalize
from pixelveil.models.per_position import DenseEmbedding, SignedEmbedding
from pixelveil.models.planning import encrypted_by, undo_of
from pixelveil.schemes import create_scheme

KINDS = {"shared": torch.nn.Conv2d, "signed": SignedEmbedding, "dense": DenseEmbedding}


@pytest.mark.parametrize("form", KINDS)
def test_a_model_holds_a_key_in_the_form_that_the_plan_needs(plain, key, reflections, images, sight, form):
    plan = reflections
    if form != "dense":
        scheme = create_scheme("vit-permutation", block_size=8, per_block=form == "signed")
        plan = scheme.plan(key=key, shape=(32, 32, 3))
    model = copy.deepcopy(plain).double()
    layout = settle_and_describe(model, image_size=(32, 32))
    held = hold(model, layout=layout, undo=undo_of(plan, layout=layout), **sight)
    assert held == layout.in_form(form)
    assert type(model.patch_embed.proj) is KINDS[form]
    double = copy.deepcopy(plain).double()
    with torch.no_grad():
        expected = double(normalize(images, like=double.head.weight, **sight))
        found = model(normalize(encrypted_by(plan, images), like=double.head.weight, **sight))
    assert (found - expected).abs().max() < 1e-10
