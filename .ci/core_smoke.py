"""Use the core as a hospital workstation would: no PyTorch installed, only the command line."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image


def run(*words: str) -> dict[str, object]:
    """Run one command and return its JSON."""
    program = Path(sys.executable).with_name("pixelveil")
    done = subprocess.run([program, *words, "--json"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"pixelveil {' '.join(words)}: exit {done.returncode}\n{done.stderr}")
    result: dict[str, object] = json.loads(done.stdout)
    return result


def main() -> None:
    """Make a key, encrypt a folder, verify it, decrypt it, compare."""
    if importlib.util.find_spec("torch") is not None:
        raise SystemExit("PyTorch is installed here: this checks nothing")
    os.environ["PIXELVEIL_PASSPHRASE"] = "only for this check"  # noqa: S105
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        plain = base / "plain" / "class-a"
        plain.mkdir(parents=True)
        generator = np.random.default_rng(0)
        images = {f"{number}.png": generator.integers(0, 256, (48, 64, 3), np.uint8) for number in range(5)}
        for name, image in images.items():
            Image.fromarray(image).save(plain / name)
        key = str(base / "k.pvkey")
        run("keygen", key)
        for scheme in ("vit-permutation", "skk"):
            encrypted, decrypted = str(base / f"e-{scheme}"), base / f"d-{scheme}"
            run("encrypt", str(base / "plain"), encrypted, "--key", key, "--scheme", scheme)
            run("verify", encrypted, "--key", key)
            run("decrypt", encrypted, str(decrypted), "--key", key)
            for name, image in images.items():
                again = np.asarray(Image.open(decrypted / "class-a" / name))
                if not np.array_equal(again, image):
                    raise SystemExit(f"{scheme}: {name} differs after decryption")
        run("inspect", key)
        run("schemes")
    print("core: keygen, encrypt, verify, decrypt, inspect, schemes work without PyTorch")  # noqa: T201


if __name__ == "__main__":
    main()
