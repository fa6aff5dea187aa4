import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from pixelveil.cli.model import build_app, describe_model
from pixelveil.errors import IntegrityError, UnsupportedModelError, UsageError, VerificationError
from pixelveil.keys import Key, keyfile
from pixelveil.models import load_model, read_stem, verify_model
from pixelveil.models.support_cases import CASES
from pixelveil.models.support_table import read_table, write_table
from pixelveil.schemes import create_scheme
from pixelveil.schemes.legacy.material import legacy_from_arrays
from pixelveil.training.models import ModelSpec, save_checkpoint

SPEC = ModelSpec(
    architecture="vit_tiny_patch16_224",
    num_classes=5,
    image_size=32,
    classes=tuple("abcde"),
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    architecture_options={"patch_size": 8, "embed_dim": 48, "depth": 2, "num_heads": 3},
)
ENCRYPT = "encrypt plain.safetensors -k clinic.pvkey -s vit-permutation -p block_size=8 --out model.safetensors"


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.setattr(keyfile, "LOG2_N", 10)
    monkeypatch.setenv("PIXELVEIL_PASSPHRASE", "p")
    monkeypatch.chdir(tmp_path)
    Key.generate(budget=100).save("clinic.pvkey", passphrase="p")
    model = SPEC.build()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    save_checkpoint(tmp_path / "plain.safetensors", model, spec=SPEC)


def invoke(line):
    """Run a command line; raise the error that the program would print."""
    result = CliRunner().invoke(build_app(), shlex.split(line))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def run(line):
    return invoke(line).stdout


def key():
    return Key.load("clinic.pvkey", passphrase="p")


def test_an_encrypted_model_is_not_encrypted_once_more():
    invoke(ENCRYPT)
    with pytest.raises(UsageError, match="is encrypted already"):
        invoke(ENCRYPT.replace("plain", "model"))


def test_a_folder_that_is_not_there_is_a_clear_line():
    with pytest.raises(UsageError, match=r"none/m\.safetensors: cannot be written: No such file"):
        invoke(ENCRYPT.replace("--out model", "--out none/m"))


def test_a_checkpoint_of_training_is_encrypted_and_verified(tmp_path):
    output = run(ENCRYPT)
    for part in ("model.safetensors", "vit_tiny_patch16_224 at 32x32", key().fingerprint, "does not hide images"):
        assert part in output
    output = run("verify plain.safetensors model.safetensors -k clinic.pvkey")
    assert "Top-1        100% the same" in output
    plain, spec = SPEC.build(), ModelSpec.from_metadata(describe_model(tmp_path / "model.safetensors")["checkpoint"])
    assert spec == SPEC
    encrypted = load_model("model.safetensors", model=spec.build())
    assert type(encrypted) is type(plain)


def test_the_budget_is_not_touched():
    before = key().remaining
    run(ENCRYPT)
    run("verify plain.safetensors model.safetensors -k clinic.pvkey")
    assert key().remaining == before


def test_json_says_the_same():
    facts = json.loads(run(f"{ENCRYPT} --client clinic --json"))
    assert (facts["kind"], facts["scheme"], facts["epoch"], facts["client"]) == (
        "encrypted model",
        "vit-permutation",
        1,
        "clinic",
    )
    assert facts["fingerprint"] == key().fingerprint
    found = json.loads(run("verify plain.safetensors model.safetensors -k clinic.pvkey --count 3 --json"))
    assert found["images"] == 3
    assert found["max_difference_float64"] < 1e-10
    assert found["top1_agreement"] == 1.0


def test_a_folder_of_images_can_be_compared(tmp_path):
    (tmp_path / "scans" / "a").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(3):
        pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "scans" / "a" / f"{number}.png")
    run(ENCRYPT)
    line = "verify plain.safetensors model.safetensors -k clinic.pvkey --images scans --json"
    assert json.loads(run(line))["images"] == 3
    (tmp_path / "none").mkdir()
    with pytest.raises(UsageError, match="holds no images"):
        run("verify plain.safetensors model.safetensors -k clinic.pvkey --images none")


def test_another_plain_model_fails_the_verification(tmp_path):
    run(ENCRYPT)
    save_checkpoint(tmp_path / "other.safetensors", SPEC.build(seed=5), spec=SPEC)
    with pytest.raises(VerificationError, match="answers differently"):
        run("verify other.safetensors model.safetensors -k clinic.pvkey")


def test_another_key_file_is_refused(tmp_path):
    run(ENCRYPT)
    Key.generate().save("other.pvkey", passphrase="p")
    with pytest.raises(IntegrityError, match="made with key"):
        run("verify plain.safetensors model.safetensors -k other.pvkey")


def test_rotation_and_rekeying_need_no_plain_model(tmp_path):
    run(ENCRYPT)
    key().rotate()
    (tmp_path / "hidden.safetensors").write_bytes((tmp_path / "plain.safetensors").read_bytes())
    (tmp_path / "plain.safetensors").unlink()
    output = run("rekey model.safetensors model-2.safetensors -k clinic.pvkey")
    assert "epoch 1" in output
    assert "epoch 2" in output
    assert describe_model(tmp_path / "model-2.safetensors")["fingerprint"] == key().fingerprint
    run("verify hidden.safetensors model-2.safetensors -k clinic.pvkey")
    run("verify hidden.safetensors model.safetensors -k clinic.pvkey")


def test_another_key_file_can_take_over():
    run(ENCRYPT)
    Key.generate().save("new.pvkey", passphrase="p")
    facts = json.loads(run("rekey model.safetensors m2.safetensors -k new.pvkey --old-key clinic.pvkey --json"))
    assert facts["fingerprint"] == Key.load("new.pvkey", passphrase="p").fingerprint
    run("verify plain.safetensors m2.safetensors -k new.pvkey")
    with pytest.raises(IntegrityError, match="made with key"):
        run("rekey model.safetensors m3.safetensors -k new.pvkey")


def test_a_stem_is_taken_out_and_rekeyed(tmp_path):
    run(ENCRYPT)
    assert "Stem" in run("stem model.safetensors stem.safetensors")
    facts = describe_model(tmp_path / "stem.safetensors")
    assert facts["kind"] == "stem of an encrypted model"
    assert facts["checkpoint"]["architecture"] == SPEC.architecture
    assert (tmp_path / "stem.safetensors").stat().st_size < (tmp_path / "model.safetensors").stat().st_size / 3
    key().rotate()
    run("rekey stem.safetensors stem-2.safetensors -k clinic.pvkey")
    assert read_stem("stem-2.safetensors").info.epoch == 2
    with pytest.raises(IntegrityError, match="is a stem"):
        run("verify plain.safetensors stem.safetensors -k clinic.pvkey")


def test_the_checkpoint_one_began_with_is_warned_of(tmp_path):
    result = invoke(f"{ENCRYPT} --reference plain.safetensors --json")
    assert json.loads(result.stdout)["references"][0]["known"] is True
    assert "can compute the key" in result.stderr
    save_checkpoint(tmp_path / "other.safetensors", SPEC.build(seed=5), spec=SPEC)
    result = invoke(f"{ENCRYPT} --reference other.safetensors --json")
    assert json.loads(result.stdout)["references"][0]["known"] is False
    assert "compute the key" not in result.stderr


def test_a_checkpoint_without_description_needs_options(tmp_path):
    save_file({k: v.contiguous() for k, v in _full_size().state_dict().items()}, tmp_path / "bare.safetensors")
    line = "encrypt bare.safetensors -k clinic.pvkey -s vit-permutation -o m.safetensors"
    for option, name in (
        ("--arch vit_tiny_patch16_224", "architecture"),
        ("--num-classes 5", "num classes"),
        ("--image-size 32", "image size"),
        ("--mean 0.5,0.5,0.5", "mean"),
        ("--std 0.5,0.5,0.5", "std"),
    ):
        with pytest.raises(UsageError, match=f"does not say its {name}"):
            run(line)
        line = f"{line} {option}"
    facts = json.loads(run(f"{line} --json"))
    assert facts["mean"] == [0.5, 0.5, 0.5]
    run("verify bare.safetensors m.safetensors -k clinic.pvkey")


def _full_size():
    spec = ModelSpec(architecture="vit_tiny_patch16_224", num_classes=5, image_size=32)
    return spec.build()


def test_options_override_the_checkpoint():
    facts = json.loads(run(f"{ENCRYPT} --mean 0.5,0.5,0.5 --std 0.25,0.25,0.25 --json"))
    assert (facts["mean"], facts["std"]) == ([0.5] * 3, [0.25] * 3)
    run("verify plain.safetensors model.safetensors -k clinic.pvkey")


@pytest.mark.parametrize(
    ("line", "error", "reason"),
    [
        (f"{ENCRYPT} --mean a,b", UsageError, "is not numbers"),
        (f"{ENCRYPT} --num-classes 7", IntegrityError, "do not fit"),
        (f"{ENCRYPT} --arch vit_tinny", UsageError, "unknown model"),
        (f"{ENCRYPT} --arch resnet18", UsageError, "cannot be built"),
        (ENCRYPT.replace("block_size=8", "block_size=16"), UnsupportedModelError, "do not fit patches of 8x8"),
        (ENCRYPT.replace("vit-permutation", "rot13"), UsageError, "unknown scheme"),
        (ENCRYPT.replace("plain.safetensors", "none.safetensors"), UsageError, "no such file"),
    ],
)
def test_wrong_calls_are_named(line, error, reason, tmp_path):
    with pytest.raises(error, match=reason):
        run(line)
    assert not (tmp_path / "model.safetensors").exists()


def test_support_lists_what_was_proven():
    table = json.loads(run("support --json"))
    assert table == read_table()
    output = run("support")
    assert f"{len(CASES)} architectures" in output
    assert "does not hide images" in output


def test_support_proves_again(monkeypatch, tmp_path):
    from pixelveil.models import support_table

    monkeypatch.setattr(support_table, "CASES", CASES[:1])
    monkeypatch.setattr(support_table, "write_table", lambda rows: write_table(rows, path=tmp_path / "table.json"))
    assert len(json.loads(run("support --prove --json"))["rows"]) == 1


def test_a_plain_checkpoint_is_described_as_one(tmp_path):
    facts = describe_model(tmp_path / "plain.safetensors")
    assert (facts["kind"], facts["checkpoint"]["architecture"]) == ("plain checkpoint", SPEC.architecture)


BY_BLOCK = ENCRYPT.replace("vit-permutation", "etc-color")


def test_a_key_for_each_block_goes_the_same_way(tmp_path):
    output = run(BY_BLOCK)
    for part in ("one kernel of 48x192 and 16 signed permutations", "relative to the first block's, in the clear"):
        assert part in output
    run("verify plain.safetensors model.safetensors -k clinic.pvkey")
    key().rotate()
    run("rekey model.safetensors model-2.safetensors -k clinic.pvkey")
    run("verify plain.safetensors model-2.safetensors -k clinic.pvkey")
    run("stem model.safetensors stem.safetensors")
    assert read_stem("stem.safetensors").info.form == "signed"


def test_info_says_form_cost_and_what_is_shown():
    run(f"{BY_BLOCK} --client clinic")
    output = run("info model.safetensors")
    for part in (
        "etc-color",
        "block_size",
        "epoch 1",
        "Client       clinic",
        "moved, positions follow",
        "in the clear",
    ):
        assert part in output
    facts = json.loads(run("info model.safetensors --json"))
    assert (facts["form"], facts["embedding_bytes"], facts["plain_embedding_bytes"]) == ("signed", 86016, 36864)
    assert facts == json.loads(json.dumps(describe_model(Path("model.safetensors"))))
    with pytest.raises(IntegrityError, match="is a plain checkpoint"):
        run("info plain.safetensors")


def test_material_of_another_program_is_absorbed_too(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"key_1": rng.permutation(192), "key_2": rng.permutation(16)}
    old = create_scheme("vit-permutation", block_size=8, invert=False)
    legacy_from_arrays(old, arrays=arrays, shape=(32, 32, 3)).save(tmp_path / "old.pvasset")
    run(f"{ENCRYPT} -p invert=false --asset old.pvasset")
    run("verify plain.safetensors model.safetensors -k clinic.pvkey --asset old.pvasset")
    with pytest.raises(UsageError, match="asset"):
        run("verify plain.safetensors model.safetensors -k clinic.pvkey")


def test_every_command_has_help_with_an_example():
    for name in ("encrypt", "verify", "rekey", "info", "stem", "support"):
        assert f"Example: pixelveil model {name}" in " ".join(run(f"{name} --help").split())


def test_the_scheme_is_that_of_the_file(tmp_path):
    """Parameters are read from the file, so verification needs no --scheme."""
    run(ENCRYPT.replace("block_size=8", "block_size=8 -p invert=false"))
    encrypted = load_model("model.safetensors", model=SPEC.build())
    plain = SPEC.build()
    from pixelveil.models.storage import read_weights

    plain.load_state_dict(read_weights(tmp_path / "plain.safetensors"))
    verify_model(
        plain.eval(),
        encrypted,
        scheme=create_scheme("vit-permutation", block_size=8, invert=False),
        key=key(),
        images=np.zeros((1, 32, 32, 3), np.uint8),
        mean=SPEC.mean,
        std=SPEC.std,
    )
