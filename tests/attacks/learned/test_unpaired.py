import numpy as np
import pytest
import torch

from pixelveil.attacks import Budget, Evidence
from pixelveil.attacks.learned.fitting import Fit
from pixelveil.attacks.learned.unpaired import facts_of, gather, keyed_once, mixes_images, painted, quieted, read
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme


def evidence(name, *, shape=(16, 16, 3), **parameters):
    scheme = create_scheme(name, **parameters)
    images = np.random.default_rng(0).integers(256, size=(60, *shape), dtype=np.uint8)
    return Evidence(
        scheme=scheme,
        ciphertexts=scheme.encrypt(images, key=Key.generate()).images,
        shape=shape,
        victims=40,
        public=images[:50],
    )


@pytest.mark.parametrize(
    ("name", "began"),
    [("smkk", "moments"), ("skk", "folded"), ("huang", "folded"), ("xor-stream", "none"), ("tanaka-le", "moments")],
)
def test_where_it_starts(name, began):
    data = gather(evidence(name), start=True, budget=Budget())
    assert data.began == began
    assert (data.start is None) == (began == "none")
    assert (data.turns is None) == (began != "moments")
    assert data.start is None or float(data.start.abs().max()) < 1
    assert gather(evidence(name), start=False, budget=Budget()).start is None


def test_folded_values_do_not_depend_on_keys():
    one, other = (evidence("skk", shuffle="none") for _ in range(2))
    assert not np.array_equal(one.ciphertexts, other.ciphertexts)
    starts = [gather(each, start=True, budget=Budget()).start for each in (one, other)]
    torch.testing.assert_close(*starts)


def test_planes_side_by_side_come_back_as_images():
    case = evidence("etc-gray", shape=(20, 16, 3))
    data = gather(case, start=False, budget=Budget())
    assert data.public.shape[1:] == data.encrypted.shape[1:] == (1, 24, 48)
    found = read(torch.nn.Identity(), data, case, calibrated=False)
    assert (found.shape, found.dtype) == ((40, 20, 16, 3), np.uint8)


def test_tanh_is_taken_once():
    values = torch.linspace(-3, 3, 7).reshape(1, 1, 1, 7)
    torch.testing.assert_close(painted(torch.nn.Identity(), values, None), values.tanh())
    start = torch.linspace(-0.9, 0.9, 7).reshape(1, 1, 1, 7)
    torch.testing.assert_close(painted(torch.nn.Identity(), 0 * values, start), start)
    torch.testing.assert_close(painted(quieted(torch.nn.Identity()), values, 0 * start), (0.1 * values).tanh())


def test_memory_limits_images_but_never_victims():
    data = gather(evidence("smkk"), start=True, budget=Budget(megabytes=0.1))
    assert len(data.encrypted) == 50
    assert len(data.public) == 50


def test_steps_are_smaller_for_larger_images():
    data = gather(evidence("smkk"), start=False, budget=Budget())
    assert data.batch(64) == 64
    assert data.batch(4) == 4
    large = gather(evidence("smkk", shape=(128, 128, 1)), start=False, budget=Budget())
    assert large.batch(64) == 16


def test_who_has_one_key_and_who_mixes():
    assert keyed_once(create_scheme("tanaka-le"))
    assert keyed_once(create_scheme("gan-transform"))
    assert not keyed_once(create_scheme("skk"))
    assert not keyed_once(create_scheme("masked-image"))
    assert "several images" in mixes_images(create_scheme("instahide"))
    assert mixes_images(create_scheme("masked-image")) == ""


def test_a_short_run_says_what_it_proves():
    data = gather(evidence("smkk"), start=False, budget=Budget())
    made = Fit(steps=3, first=0.0, best=0.0, seconds=0.0)
    facts = facts_of(made, data, np.zeros((1, 2, 2, 3), np.uint8), published=100)
    assert facts["training"] == "3 of 100 published steps: a short run that fails is no evidence of resistance"
    assert facts["at_the_ends"] == 1
    assert "evidence" not in facts_of(made, data, np.zeros((1, 2, 2, 3), np.uint8), published=3)["training"]
