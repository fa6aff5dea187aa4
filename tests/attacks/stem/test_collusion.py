import numpy as np
import pytest
import torch

from pixelveil.attacks.measures import ssim
from pixelveil.attacks.stem.collusion import ColludingClient, base_of_client
from pixelveil.attacks.stem.evidence import Client, base_tensors
from pixelveil.models import encrypt_model_with_plan, extract_stem
from pixelveil.plans import AffinePlan

SCHEMES = [("vit-permutation", {}), ("vit-orthogonal", {}), ("vit-permutation", {"per_block": True}), ("etc-color", {})]


def client_of(model, hold, images, **options):
    evidence, _, key = hold(model, images, **options)
    return Client(plan=evidence.scheme.plan(key=key, shape=(32, 32, 3)), stem=evidence.stem)


@pytest.mark.parametrize(("scheme", "parameters"), SCHEMES)
@pytest.mark.parametrize("options", [{}, {"pre_norm": True}], ids=["vit", "clip"])
def test_one_client_and_the_server_read_all_others(make_vit, hold, victims, scheme, parameters, options):
    model = make_vit(**options)
    client = client_of(model, hold, victims, scheme=scheme, parameters=parameters)
    evidence, _, _ = hold(model, victims, scheme=scheme, parameters=parameters, client=client)
    assert np.abs(ColludingClient().run(evidence).images.astype(int) - victims).max() <= 1
    for name, tensor in base_tensors(model, image_size=32).items():
        torch.testing.assert_close(base_of_client(client)[name], tensor.double(), atol=1e-4, rtol=1e-4)


def test_a_client_with_a_kernel_for_each_position(make_vit, hold, victims, sight):
    model, generator = make_vit(), np.random.default_rng(0)
    matrices = np.linalg.qr(generator.normal(size=(64, 48, 48)))[0]
    plan = AffinePlan(matrix=matrices, block_order=generator.permutation(64))
    stem = extract_stem(encrypt_model_with_plan(model, plan=plan, image_size=32, **sight))
    evidence, _, _ = hold(model, victims, client=Client(plan=plan, stem=stem))
    assert np.abs(ColludingClient().run(evidence).images.astype(int) - victims).max() <= 1


def test_clients_of_another_base_and_with_another_key_give_nothing(make_vit, hold, victims, noise, public):
    other = client_of(make_vit(seed=1), hold, victims)
    right = client_of(make_vit(), hold, victims)
    wrong = Client(plan=other.plan, stem=right.stem)
    for client in (other, wrong):
        evidence, _, _ = hold(make_vit(), victims, client=client, public=public)
        assert ssim(ColludingClient().run(evidence).images, victims).mean() < 0.05
    empty, _, _ = hold(make_vit(), victims, ciphertexts=noise, client=right, public=public)
    assert ssim(ColludingClient().run(empty).images, victims).mean() < 0.05
