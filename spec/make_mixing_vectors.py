"""Write spec/vectors/mixing-v1.json from the reference: ``python spec/make_mixing_vectors.py``."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

base = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("make_vectors.py"))))

NONE = {"key_policy": "none"}
BLOCKS = {"columns": 8, "donors": 10, "probability": 0.5, "rows": 2}
NOISE = {"epsilon": 0.02, "feature_epsilon": 0.1, "feature_share": 0.2, "mask_epsilon": 0.05, "smoothing": 1.5}
ENCODER = {"block_size": 4, "depth": 2, "hidden": 6, "key_policy": "shared"}

CHOICES: list[tuple[str, dict[str, Any], tuple[int, int, int], dict[str, int]]] = [
    ("pixel-block-mixing", {**NONE, **BLOCKS}, (6, 16, 3), {"images": 12}),
    (
        "pixel-block-mixing",
        {**NONE, "columns": 3, "donors": 2, "probability": 0.75, "rows": 2},
        (5, 7, 1),
        {"images": 2},
    ),
    ("masked-image", {**NONE, **NOISE}, (9, 12, 3), {}),
    ("masked-image", {**NONE, **NOISE, "feature_share": 0.5, "mask_epsilon": 0.0, "smoothing": 0.0}, (7, 5, 1), {}),
    ("instahide", {**NONE, "mixed": 4, "public": 0}, (5, 4, 3), {"images": 7}),
    ("instahide", {**NONE, "mixed": 6, "public": 4}, (3, 4, 1), {"images": 3, "public": 5}),
    ("neuracrypt", ENCODER, (8, 12, 3), {}),
    ("neuracrypt", {**ENCODER, "depth": 1}, (8, 4, 1), {}),
]
"""Scheme, parameters, size of the images, images in each array of the pool."""


def mixing_vectors() -> dict[str, Any]:
    """What each scheme makes of two images, with choices from streams under a secret and nonces that are told."""
    ref, schemes = base.reference("mixing_reference"), base.reference("scheme_reference")
    secret, cases = base.octets("mixing secret"), []
    for scheme, parameters, shape, sizes in CHOICES:
        pool = {
            name: [base.pixels(f"{scheme} {name} {place}", shape) for place in range(count)]
            for name, count in sizes.items()
        }
        shared = parameters["key_policy"] == "shared"
        nonces = [bytes(16)] if shared else [base.octets(f"{scheme} nonce {place}", 16) for place in range(2)]
        digest = schemes.digest(scheme, parameters)
        purpose, label = ("shared-plan", digest) if shared else ("ephemeral-plan", "")
        images = [base.pixels(f"{scheme} {place}", shape) for place in range(2)]
        made = []
        for image, nonce in zip(images, nonces * 2 if shared else nonces, strict=True):

            def draw(role: str, nonce: bytes = nonce, purpose: str = purpose, label: str = label) -> Any:
                key = ref.streams.subkey(secret, purpose=purpose, scheme=label, role=role)
                return ref.streams.stream(key, nonce)

            made.append(ref.SCHEMES[scheme](image, draw, parameters, pool))
        floats = scheme in ("instahide", "neuracrypt")
        cases.append(
            {
                "scheme": scheme,
                "parameters": parameters,
                # With a pool its digest is a parameter too.
                "digest": None if pool else digest,
                "nonces": None if shared else [nonce.hex() for nonce in nonces],
                "shape": list(shape),
                "pool": {name: [bytes(base.flat(image)).hex() for image in held] for name, held in pool.items()},
                "plain": [bytes(base.flat(image)).hex() for image in images],
                "encrypted": [
                    [round(value, 6) for value in base.flat(image)] if floats else bytes(base.flat(image)).hex()
                    for image in made
                ],
            }
        )
    return {
        "format": "pixelveil-mixing-vectors/v1",
        "provenance": "Written by spec/make_mixing_vectors.py from tests/reference/mixing_reference.py, an "
        "implementation of spec/mixing-v1.md that uses the Python standard library only and shares nothing with the "
        "package; it is itself checked against SciPy and cases worked by hand.",
        "tolerance": {"instahide": 1e-4, "neuracrypt": 1e-4},
        "secret": secret.hex(),
        "cases": cases,
    }


VECTORS = {"mixing-v1": mixing_vectors}


def main() -> None:
    """Write the file of vectors."""
    for name, make in VECTORS.items():
        path = base.ROOT / "spec" / "vectors" / f"{name}.json"
        path.write_text(base.compact(make()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
