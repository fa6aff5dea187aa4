"""What importing the package does, and does not do; in programs of their own, where nothing is imported yet."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import pixelveil
from pixelveil.schemes import SCHEMES

SOURCE = Path(__file__).resolve().parents[1] / "src"

# Parts that only extras need.
OPTIONAL = ("torch", "torchvision", "timm", "transformers", "accelerate", "safetensors", "sklearn", "skimage", "jinja2")


def run(program):
    """Run a program with warnings as errors; return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


WITHOUT_EXTRAS = f"""
    import sys
    sys.modules.update(dict.fromkeys({OPTIONAL!r}))
"""


def test_import_says_and_fetches_nothing():
    program = """
        import socket
        def refuse(*arguments, **options):
            raise AssertionError("a socket was opened")
        socket.socket = socket.create_connection = socket.getaddrinfo = refuse
        import pixelveil
    """
    assert run(program) == ""


def test_import_loads_no_heavy_part():
    program = """
        import sys
        import pixelveil
        print(sorted({name.split(".")[0] for name in sys.modules}))
    """
    loaded = run(program)
    for name in (*OPTIONAL, "numba", "llvmlite", "scipy", "pandas", "typer", "rich"):
        assert f"'{name}'" not in loaded, f"import pixelveil loads {name}"


def test_every_scheme_works_without_any_extra():
    program = (
        WITHOUT_EXTRAS
        + """
    import numpy as np
    from PIL import Image
    import pixelveil
    import pixelveil.schemes
    key = pixelveil.Key.generate()
    pixels = np.random.default_rng(0).integers(0, 256, (2, 20, 24, 3), dtype=np.uint8)
    done = []
    for name, kind in pixelveil.schemes.SCHEMES.items():
        if kind.needs_asset:
            continue
        for policy in kind.policies:
            scheme = pixelveil.create_scheme(name, key_policy=policy)
            given = [pixels, pixels[0], pixels / 255]
            if scheme.output_dtype == "uint8":
                given.append(Image.fromarray(pixels[0]))
            for images in given:
                encrypted = scheme.encrypt(images, key=key)
                if scheme.reversible and policy != "ephemeral":
                    decrypted = scheme.decrypt(encrypted, key=key)
                    assert type(decrypted) is type(images)
                    assert np.allclose(np.asarray(decrypted), np.asarray(images), atol=1e-5)
            done.append(f"{name}-{policy}")
    print(len(done))
    """
    )
    expected = sum(len(kind.policies) for kind in SCHEMES.values() if not kind.needs_asset)
    assert run(program).strip() == str(expected)


@pytest.mark.parametrize("name", ["encrypt_model", "verify_model", "transforms"])
def test_what_needs_pytorch_says_how_to_get_it(name):
    program = (
        WITHOUT_EXTRAS
        + f"""
    import pixelveil
    assert {name!r} in dir(pixelveil)
    try:
        pixelveil.{name}
    except pixelveil.errors.MissingExtraError as error:
        print(error)
    """
    )
    assert "pip install 'pixelveil[models]'" in run(program)


def test_every_public_name_is_there():
    pytest.importorskip("torchvision")
    pytest.importorskip("timm")
    assert sorted(pixelveil.__all__) == pixelveil.__all__ == dir(pixelveil)
    for name in pixelveil.__all__:
        assert getattr(pixelveil, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'encrypt_everything'"):
        pixelveil.encrypt_everything  # noqa: B018


def test_the_package_runs_as_a_program_without_any_extra():
    program = (
        WITHOUT_EXTRAS
        + """
    import runpy
    sys.argv = ["pixelveil", "schemes"]
    try:
        runpy.run_module("pixelveil", run_name="__main__")
    except SystemExit as end:
        assert not end.code
    """
    )
    printed = run(program)
    for name in pixelveil.list_schemes():
        assert name in printed
