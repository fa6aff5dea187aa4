import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from pixelveil.attacks.attack import Access
from pixelveil.attacks.stem.catalogue import MODEL_ATTACKS
from pixelveil.attacks.stem.model_attack import ModelAttack

SOURCE = Path(__file__).resolve().parents[3] / "src"


def test_listing_needs_no_pytorch():
    listing = "from pixelveil.attacks.stem.catalogue import MODEL_ATTACKS; print(len(MODEL_ATTACKS))"
    program = f"import sys; sys.modules['torch'] = None; {listing}"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert int(done.stdout) == len(MODEL_ATTACKS)


@pytest.mark.parametrize("name", MODEL_ATTACKS)
def test_every_attack_declares_its_facts(name):
    kind = MODEL_ATTACKS[name]
    assert kind.name == name
    assert kind.title
    assert kind.citation
    assert kind.cost
    assert kind.access in get_args(Access)
    assert kind.run is not ModelAttack.run
    assert len(kind.__doc__ or "") > 100
