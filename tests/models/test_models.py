"""The package itself: what it exports, and what it says where PyTorch is not installed."""

import subprocess
import sys

import pixelveil.models
from pixelveil.models import EXPOSES, PROTECTION

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from pixelveil.errors import MissingExtraError
try:
    import pixelveil.models
except MissingExtraError as error:
    print(error)
"""


def test_without_torch_the_error_names_the_extra():
    answer = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "model encryption needs an optional part (pip install 'pixelveil[models]')"


def test_importing_it_loads_no_model_library():
    code = (
        "import sys, pixelveil.models; print([n for n in ('timm', 'transformers', 'torchvision') if n in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_everything_exported_is_there():
    assert all(hasattr(pixelveil.models, name) for name in pixelveil.models.__all__)


def test_the_limits_of_protection_are_said():
    for part in ("does not hide images from the server", "public checkpoint", "known both plain and encrypted", "TLS"):
        assert part in PROTECTION
    assert "keys of different blocks" in PROTECTION
    assert all(text.startswith("to whoever holds it") for text in EXPOSES.values())
