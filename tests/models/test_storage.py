import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.keys import Key
from pixelveil.models import (
    EXPOSES,
    describe_model,
    encrypt_model,
    encrypt_model_with_plan,
    extract_stem,
    load_model,
    load_stem,
    read_stem,
    rekey_stem,
    replace_stem,
    save_model,
    save_stem,
    verify_model,
    verify_model_with_plan,
)
from pixelveil.models.support_cases import CASES, build
from pixelveil.plans import AffinePlan
from pixelveil.schemes import create_scheme


@pytest.fixture
def encrypted(plain, scheme, key, sight):
    return encrypt_model(plain, scheme=scheme, key=key, image_size=32, client="clinic", **sight)


def test_a_saved_model_is_encrypted_when_it_is_loaded(
    plain, make_plain, encrypted, scheme, key, images, sight, tmp_path
):
    save_model(encrypted, tmp_path / "model.safetensors", metadata={"architecture": "vit"})
    loaded = load_model(tmp_path / "model.safetensors", model=make_plain(seed=9))
    assert loaded.pixelveil == encrypted.pixelveil
    assert all(torch.equal(tensor, encrypted.state_dict()[name]) for name, tensor in loaded.state_dict().items())
    verify_model(plain, loaded, scheme=scheme, key=key, images=images, client="clinic", **sight)


# Positions that no ordinary state dict holds: indices that are not saved, tables that are generated or interpolated.
GENERATED = [
    "BEiT-B/16",
    "ViT-S/16 shared relative positions",
    "EVA-02-Ti/14",
    "ViT-S/16 mixed rotary positions",
    "ViT-S/16 DINOv3",
    "ConViT-Ti",
    "BEiT",
    "DINOv3",
    "MLCD",
    "DINOv2, other size",
    "YOLOS, other size",
]


@pytest.mark.parametrize("name", GENERATED)
def test_generated_positions_survive_saving_and_loading(name, sight, tmp_path):
    case = next(case for case in CASES if case.name == name)
    model, size = build(case), (case.size, case.size) if isinstance(case.size, int) else case.size
    probe = encrypt_model_with_plan(model, plan=AffinePlan(matrix=np.eye(3)), image_size=size, check=False, **sight)
    layout, rng = probe.pixelveil.layout, np.random.default_rng(0)
    lanes = layout.embedding.patch_size**2 * 3
    plan = AffinePlan(matrix=np.eye(lanes)[rng.permutation(lanes)], block_order=rng.permutation(layout.patches))
    encrypted = encrypt_model_with_plan(model, plan=plan, image_size=size, check=False, **sight)
    save_model(encrypted, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors", model=build(case, seed=7))
    images = rng.integers(0, 256, (2, *size, 3), dtype=np.uint8)
    verify_model_with_plan(model, loaded, plan=plan, images=images, **sight)
    load_stem(loaded, extract_stem(probe))
    verify_model_with_plan(model, loaded, plan=AffinePlan(matrix=np.eye(lanes)), images=images, **sight)


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "vit_base_patch16_clip_224"])
def test_keys_by_block_survive_saving_and_loading(make_plain, block_scheme, key, images, sight, tmp_path, name):
    plain, path = make_plain(name), tmp_path / "model.safetensors"
    model = encrypt_model(plain, scheme=block_scheme, key=key, image_size=32, **sight)
    save_model(model, path)
    loaded = load_model(path, model=make_plain(name, seed=9))
    assert loaded.pixelveil == model.pixelveil
    assert all(torch.equal(tensor, model.state_dict()[label]) for label, tensor in loaded.state_dict().items())
    verify_model(plain, loaded, scheme=block_scheme, key=key, images=images, **sight)
    assert read_stem(path).tensors.keys() == extract_stem(model).tensors.keys()
    facts = describe_model(path)
    assert facts["form"] == "signed"
    assert facts["exposes"] == EXPOSES["signed"]
    assert facts["embedding_bytes"] == 48 * 192 * 4 + 16 * 192 * 16
    assert facts["plain_embedding_bytes"] == 48 * 192 * 4
    assert "16 signed permutations" in facts["cost"]
    new = Key.generate()
    replace_stem(path, path, stem=rekey_stem(read_stem(path), scheme=block_scheme, old_key=key, new_key=new))
    fresh = load_model(path, model=make_plain(name, seed=3))
    verify_model(plain, fresh, scheme=block_scheme, key=new, images=images, **sight)


def test_kernels_by_position_survive_saving_and_loading(plain, make_plain, reflections, images, sight, tmp_path):
    model = encrypt_model_with_plan(plain, plan=reflections, image_size=32, **sight)
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors", model=make_plain(seed=9))
    verify_model_with_plan(plain, loaded, plan=reflections, images=images, **sight)
    facts = describe_model(tmp_path / "model.safetensors")
    assert (facts["form"], facts["embedding_bytes"]) == ("dense", 16 * 48 * 192 * 4)


def test_an_architecture_with_keys_by_block_is_not_loaded_as_the_plain_one(make_plain, key, sight):
    scheme = create_scheme("etc-color", block_size=8)
    encrypted = encrypt_model(make_plain(), scheme=scheme, key=key, image_size=32, **sight)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        make_plain().load_state_dict(encrypted.state_dict())


def test_a_model_whose_trunk_was_trained_is_saved_as_another_trunk(plain, make_plain, key, sight, tmp_path):
    scheme = create_scheme("etc-color", block_size=8)
    model = encrypt_model(plain, scheme=scheme, key=key, image_size=32, **sight)
    stem = extract_stem(model)
    with torch.no_grad():
        model.head.weight.add_(1.0)
    save_model(model, tmp_path / "model.safetensors")
    assert model.pixelveil.trunk == describe_model(tmp_path / "model.safetensors")["trunk"] != stem.info.trunk
    with pytest.raises(IntegrityError, match="other weights"):
        load_stem(load_model(tmp_path / "model.safetensors", model=make_plain()), stem)


def test_a_state_dict_of_generated_positions_does_not_load_into_a_plain_model_unnoticed(make_plain, scheme, key, sight):
    for name in ("beit_base_patch16_224", "vit_small_patch16_rope_224"):
        encrypted = encrypt_model(make_plain(name), scheme=scheme, key=key, image_size=32, **sight)
        with pytest.raises(RuntimeError, match="Unexpected key"):
            make_plain(name).load_state_dict(encrypted.state_dict())


def test_a_saved_stem_is_the_same_when_it_is_read(encrypted, tmp_path):
    stem = extract_stem(encrypted)
    save_stem(stem, tmp_path / "stem.safetensors")
    save_model(encrypted, tmp_path / "model.safetensors")
    for path in ("stem.safetensors", "model.safetensors"):
        read = read_stem(tmp_path / path)
        assert read.info == stem.info
        assert read.tensors.keys() == stem.tensors.keys()
        assert all(torch.equal(read.tensors[name], stem.tensors[name]) for name in stem.tensors)


def test_the_header_holds_public_facts_as_strings_and_nothing_secret(encrypted, scheme, key, tmp_path):
    save_stem(extract_stem(encrypted), tmp_path / "stem.safetensors")
    with safe_open(tmp_path / "stem.safetensors", framework="pt") as file:
        header = file.metadata()
    assert {name.removeprefix("pixelveil.") for name in header} == {
        "client",
        "digest",
        "epoch",
        "family",
        "fingerprint",
        "format",
        "image_size",
        "layout",
        "mean",
        "order_absorbed",
        "parameters",
        "scheme",
        "std",
        "trunk",
    }
    assert header["pixelveil.fingerprint"] == key.fingerprint
    order = scheme.plan(key=key, shape=(32, 32, 3), client="clinic").to_affine().block_order.tolist()
    assert json.dumps(order) not in json.dumps(header)
    assert str(order) not in (tmp_path / "stem.safetensors").read_bytes().decode("latin1")


def test_describe_reads_the_header(encrypted, scheme, key, sight, tmp_path):
    save_model(encrypted, tmp_path / "model.safetensors", metadata={"architecture": "vit", "classes": "[]"})
    facts = describe_model(tmp_path / "model.safetensors")
    assert facts["format"] == "model-1"
    assert (facts["scheme"], facts["digest"]) == (scheme.name, scheme.digest)
    assert (facts["fingerprint"], facts["epoch"], facts["client"]) == (key.fingerprint, 1, "clinic")
    assert (facts["image_size"], facts["mean"]) == ([32, 32], list(sight["mean"]))
    assert facts["checkpoint"] == {"architecture": "vit", "classes": "[]"}
    json.dumps(facts)


@pytest.mark.parametrize("kind", ["model", "stem"])
def test_a_stem_is_replaced_in_a_file_without_its_architecture(
    plain, make_plain, encrypted, scheme, key, images, sight, tmp_path, kind
):
    path, new = tmp_path / "file.safetensors", Key.generate()
    stem = extract_stem(encrypted)
    if kind == "model":
        save_model(encrypted, path, metadata={"architecture": "vit"})
    else:
        save_stem(stem, path, metadata={"architecture": "vit"})
    replace_stem(path, path, stem=rekey_stem(stem, scheme=scheme, old_key=key, new_key=new))
    facts = describe_model(path)
    assert (facts["fingerprint"], facts["checkpoint"], facts["format"]) == (
        new.fingerprint,
        {"architecture": "vit"},
        f"{kind}-1",
    )
    if kind == "model":
        loaded = load_model(path, model=make_plain(seed=3))
        verify_model(plain, loaded, scheme=scheme, key=new, images=images, client="clinic", **sight)


def test_another_models_stem_does_not_replace_one(encrypted, make_plain, scheme, key, sight, tmp_path):
    save_model(encrypted, tmp_path / "model.safetensors")
    other = extract_stem(encrypt_model(make_plain(seed=1), scheme=scheme, key=key, image_size=32, **sight))
    with pytest.raises(IntegrityError, match="another model"):
        replace_stem(tmp_path / "model.safetensors", tmp_path / "out.safetensors", stem=other)
    assert not (tmp_path / "out.safetensors").exists()


def test_a_plain_model_is_not_saved(plain, tmp_path):
    with pytest.raises(UsageError, match="not encrypted"):
        save_model(plain, tmp_path / "model.safetensors")


@pytest.mark.parametrize("options", [{"img_size": 64}, {"embed_dim": 96}, {"depth": 1}])
def test_another_architecture_does_not_load_a_model(encrypted, make_plain, tmp_path, options):
    save_model(encrypted, tmp_path / "model.safetensors")
    with pytest.raises(IntegrityError):
        load_model(tmp_path / "model.safetensors", model=make_plain(**options))


def test_what_is_no_encrypted_model_is_refused(encrypted, make_plain, tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(UsageError, match="no such file"):
        load_model(path, model=make_plain())
    path.write_bytes(b"not a model")
    with pytest.raises(IntegrityError, match="cannot be read"):
        describe_model(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(IntegrityError, match="no encrypted model"):
        read_stem(path)
    save_stem(extract_stem(encrypted), path)
    with pytest.raises(IntegrityError, match="has format 'stem-1'"):
        load_model(path, model=make_plain())


def test_a_damaged_file_is_refused(encrypted, make_plain, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(encrypted, path)
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], content[:4], b""):
        path.write_bytes(damaged)
        with pytest.raises(IntegrityError, match="cannot be read"):
            load_model(path, model=make_plain())


@pytest.mark.parametrize("fact", ["layout", "mean", "epoch", "trunk", "parameters"])
def test_a_garbled_header_is_refused(encrypted, tmp_path, fact):
    path = tmp_path / "stem.safetensors"
    save_stem(extract_stem(encrypted), path)
    with safe_open(path, framework="pt") as file:
        header, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for broken in (header | {f"pixelveil.{fact}": "{"}, {k: v for k, v in header.items() if k != f"pixelveil.{fact}"}):
        if fact == "trunk" and f"pixelveil.{fact}" in broken:
            continue
        save_file(tensors, path, metadata=broken)
        with pytest.raises(IntegrityError):
            read_stem(path)


def test_a_stem_file_without_one_of_its_tensors_is_refused(encrypted, tmp_path):
    path, stem = tmp_path / "stem.safetensors", extract_stem(encrypted)
    odd = {**stem.tensors, stem.info.layout.embedding.weight: torch.tensor(1.0)}
    save_stem(replace(stem, tensors=odd), path)
    with pytest.raises(IntegrityError, match="no kernel's"):
        describe_model(path)
    tensors = {name: tensor for name, tensor in stem.tensors.items() if name != "pos_embed"}
    save_stem(replace(stem, tensors=tensors), path)
    with pytest.raises(IntegrityError, match="pos_embed is missing"):
        read_stem(path)


def test_nothing_is_left_beside_the_file(encrypted, tmp_path):
    save_model(encrypted, tmp_path / "model.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_scheme_that_differs_only_in_parameters_is_told_apart(plain, key, sight):
    schemes = [create_scheme("vit-permutation", block_size=8, invert=invert) for invert in (True, False)]
    infos = [encrypt_model(plain, scheme=s, key=key, image_size=32, **sight).pixelveil for s in schemes]
    assert infos[0].digest != infos[1].digest
    assert infos[0].trunk == infos[1].trunk
