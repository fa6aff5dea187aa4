import copy

import pytest
import torch
from torch import nn

from pixelveil.errors import UsageError
from pixelveil.models.layout import Embedding, Layout
from pixelveil.models.per_position import DenseEmbedding, SignedEmbedding, per_position

FORMS = {"signed": SignedEmbedding, "dense": DenseEmbedding}


def layout(form="shared", flatten="chw"):
    return Layout(embedding=Embedding("e.weight", "e.bias", 2, 3, flatten, form), image_size=(4, 6))


def layer(kind, *, bias=True):
    torch.manual_seed(0)
    return nn.Conv2d(3, 5, 2, stride=2, bias=bias) if kind == "conv" else nn.Linear(12, 5, bias=bias)


def inputs(kind):
    return torch.randn(2, 3, 4, 6) if kind == "conv" else torch.randn(2, 6, 12)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["conv", "linear"])
@pytest.mark.parametrize("bias", [True, False])
def test_a_fresh_module_answers_as_the_layer_that_it_replaces(form, kind, bias):
    plain, x = layer(kind, bias=bias), inputs(kind)
    module = per_position(plain, layout=layout(form))
    assert isinstance(module, FORMS[form])
    expected, found = plain(x), module(x)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    assert found.is_contiguous() == expected.is_contiguous()
    assert (module.bias is None) == (not bias)
    assert per_position(module, layout=layout(form)) is module
    assert per_position(plain, layout=layout()) is plain


@pytest.mark.parametrize("kind", ["conv", "linear"])
def test_the_formula_of_signed_maps(kind):
    plain, x = layer(kind), inputs(kind)
    module = SignedEmbedding(plain, layout=layout("signed"))
    module.index.copy_(torch.stack([torch.randperm(12) for _ in range(6)]))
    module.scale.uniform_(-2, 2)
    module.shift.normal_()
    tokens = module(x) if kind == "linear" else module(x).flatten(2).transpose(1, 2)
    for number in range(6):
        row, column = divmod(number, 3)
        patch = x[:, number] if kind == "linear" else x[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        turned = module.scale[number] * patch.reshape(2, 12)[:, module.index[number]] + module.shift[number]
        expected = turned @ module.weight.reshape(5, 12).T + module.bias
        torch.testing.assert_close(tokens[:, number], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["conv", "linear"])
def test_each_position_has_its_own_kernel(kind):
    plain, x = layer(kind), inputs(kind)
    module = DenseEmbedding(plain, layout=layout("dense"))
    with torch.no_grad():
        module.weight.normal_()
        module.bias.normal_()
        tokens = module(x) if kind == "linear" else module(x).flatten(2).transpose(1, 2)
    for number in range(6):
        row, column = divmod(number, 3)
        patch = x[:, number] if kind == "linear" else x[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        expected = patch.reshape(2, 12) @ module.weight[number].T + module.bias[number]
        torch.testing.assert_close(tokens[:, number], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(2, 3, 6, 4), (2, 3, 8, 12), (2, 3, 4, 4), (2, 5, 12)])
def test_images_of_another_size_are_refused(form, shape):
    module = per_position(layer("conv" if len(shape) == 4 else "linear"), layout=layout(form))
    with pytest.raises(UsageError, match=r"each of 2x3 patches.*images of 4x6"):
        module(torch.zeros(shape))


@pytest.mark.parametrize("form", FORMS)
def test_dtype_and_training_are_the_layers(form):
    plain = layer("conv").to(torch.bfloat16)
    plain.weight.requires_grad_(False)
    module = per_position(copy.deepcopy(plain), layout=layout(form))
    floats = [tensor for tensor in module.state_dict().values() if tensor.is_floating_point()]
    assert {tensor.dtype for tensor in floats} == {torch.bfloat16}
    assert not module.weight.requires_grad
    assert module.bias.requires_grad
    trained = {name for name, _ in module.named_parameters()}
    assert trained == {"weight", "bias"}, "index, scale and shift are a key, not something to learn"


@pytest.mark.parametrize("form", FORMS)
def test_the_key_is_not_shown(form):
    assert "tensor" not in repr(per_position(layer("conv"), layout=layout(form)))
