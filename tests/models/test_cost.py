import pytest
import torch

from pixelveil.errors import IntegrityError, UnsupportedModelError
from pixelveil.models.cost import LARGEST_KERNELS, check_cost, cost_of
from pixelveil.models.layout import Embedding, Layout
from pixelveil.models.per_position import per_position

VIT_B = Layout(embedding=Embedding("w", "b", 16, 3), image_size=(224, 224))


def weight(width=768, dtype=torch.float32):
    return torch.empty(width, 3, 16, 16, dtype=dtype, device="meta")


def test_figures_of_vit_b():
    kernel = 768 * 768 * 4
    assert cost_of(weight(), layout=VIT_B).nbytes == kernel
    assert cost_of(weight(), layout=VIT_B.in_form("signed")).nbytes == kernel + 196 * 768 * 16
    assert cost_of(weight(), layout=VIT_B.in_form("dense")).nbytes == 196 * kernel
    assert str(cost_of(weight(), layout=VIT_B.in_form("dense"))) == (
        "196 kernels of 768x768 instead of one, 462.4 MB instead of 2.4 MB, all read for every batch"
    )
    assert "4.8 MB instead of 2.4 MB; 150,528 values are gathered" in str(
        cost_of(weight(), layout=VIT_B.in_form("signed"))
    )


@pytest.mark.parametrize("form", ["signed", "dense"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_what_is_told_is_what_the_module_holds(form, dtype):
    layout = Layout(embedding=Embedding("w", "", 2, 3), image_size=(4, 6)).in_form(form)
    module = per_position(torch.nn.Conv2d(3, 5, 2, stride=2, bias=False, dtype=dtype), layout=layout)
    held = sum(tensor.nbytes for tensor in module.state_dict().values())
    assert cost_of(module.weight, layout=layout).nbytes == held
    assert cost_of(module.weight, layout=layout).plain_bytes == 5 * 12 * dtype.itemsize


def test_kernels_that_are_too_large_are_refused_with_their_price_and_a_remedy():
    huge = weight(2048)
    assert 196 * huge.numel() * 4 > LARGEST_KERNELS
    with pytest.raises(UnsupportedModelError, match=r"196 kernels of 2048x768.*1233\.1 MB.*1074 MB.*etc-color"):
        check_cost(huge, layout=VIT_B.in_form("dense"))
    check_cost(huge, layout=VIT_B.in_form("signed"))
    check_cost(huge, layout=VIT_B)
    check_cost(weight(), layout=VIT_B.in_form("dense"))


def test_a_tensor_that_is_no_kernel_is_refused():
    with pytest.raises(IntegrityError, match="no kernel's"):
        cost_of(torch.zeros(3), layout=VIT_B)
