"""Download public weights that experiments begin with, check them, and write them as safetensors.

``python -m benchmarks.public_weights resnet20 data`` in a checkout. Their author publishes them in a format that is
read by unpickling, which the package itself never does; here the file is known by its SHA-256, and PyTorch reads
tensors from it and nothing else.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import save

from pixelveil.atomic import write_atomic
from pixelveil.errors import IntegrityError, PixelveilError, UsageError

__all__ = ["PUBLIC_WEIGHTS", "PublicWeights", "fetch_weights", "main"]

_REPOSITORY = "https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models"
_WRAPPER = "module."  # its author trained on several graphics processors


@dataclass(frozen=True, kw_only=True)
class PublicWeights:
    """A file of weights.

    Args:
        address: Where its author keeps it.
        sha256: Of that file.
        citation: Whose it is, and under which licence.
    """

    address: str
    sha256: str
    citation: str = "Idelbayev, github.com/akamaster/pytorch_resnet_cifar10, BSD-2-Clause"


PUBLIC_WEIGHTS: dict[str, PublicWeights] = {
    "resnet20": PublicWeights(
        address=f"{_REPOSITORY}/resnet20-12fca82f.th",
        sha256="12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8",
    ),
    "resnet32": PublicWeights(
        address=f"{_REPOSITORY}/resnet32-d509ac18.th",
        sha256="d509ac1820d7f25398913559d7e81a13229b1e7adc5648e3bfa5e22dc137f850",
    ),
    "resnet44": PublicWeights(
        address=f"{_REPOSITORY}/resnet44-014dd654.th",
        sha256="014dd6541728a1c700b1642ab640e211dc6eb8ed507d70697458dc8f8a0ae2e4",
    ),
    "resnet56": PublicWeights(
        address=f"{_REPOSITORY}/resnet56-4bfd9763.th",
        sha256="4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367",
    ),
}


def fetch_weights(name: str, *, folder: Path) -> Path:
    """Write public weights as safetensors; the file is checked, and read without running what may be in it.

    Args:
        name: One of `PUBLIC_WEIGHTS`.
        folder: Where they shall lie; made if missing.

    Returns:
        The file, for ``--weights``.

    Raises:
        UsageError: There are none of that name, or they could not be loaded.
        IntegrityError: The file is not the one that is known.
    """
    if name not in PUBLIC_WEIGHTS:
        raise UsageError(f"there are no public weights {name!r}", hint=f"one of: {', '.join(PUBLIC_WEIGHTS)}")
    known = PUBLIC_WEIGHTS[name]
    path = folder / f"{name}.safetensors"
    with TemporaryDirectory() as place:
        file = Path(place) / "weights.th"
        try:
            torch.hub.download_url_to_file(known.address, str(file), hash_prefix=known.sha256, progress=False)
        except OSError as error:
            raise UsageError(
                f"{known.address} could not be loaded: {error}", hint=f"download it elsewhere; SHA-256 {known.sha256}"
            ) from error
        except RuntimeError as error:  # how torch says that the hash is another
            raise IntegrityError(f"{known.address}: {error}") from error
        found: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)["state_dict"]
    tensors = {label.removeprefix(_WRAPPER): tensor.contiguous() for label, tensor in found.items()}
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(path, save(tensors, metadata={"source": known.address, "citation": known.citation}))
    return path


def main() -> None:
    """Fetch a file and say where it lies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(PUBLIC_WEIGHTS))
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    try:
        path = fetch_weights(asked.name, folder=asked.folder)
    except PixelveilError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
