"""Write spec/vectors/forward-v1.json from the reference implementations alone: ``python spec/make_forward_vectors.py``.

Run it again and nothing changes. The vectors of a released version never change; a new rule is a new version.
"""

from __future__ import annotations

import math
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
vectors = SimpleNamespace(**runpy.run_path(str(ROOT / "spec" / "make_vectors.py")))

HUANG = {
    "filter_size": 4,
    "kernel": 3,
    "key_policy": "derived",
    "mode": "block",
    "negative_positive": "per_pixel",
    "order": "post",
    "shuffle": "per_pixel",
    "statistic": "median",
}
SKK_G = {
    "kernel": 3,
    "key_block": 1,
    "key_policy": "derived",
    "noise_std": 0.0,
    "order": "post",
    "shuffle": "per_pixel",
    "sigma": 0.8,
}
POPESCU = {"components": 3, "key_policy": "none", "variant": "basis"}
WANG = {
    "components": 3,
    "factor": "left",
    "key_policy": "shared",
    "levels": 16,
    "noise": 0.0,
    "projection": "right",
    "size": 0,
}
CASES: list[tuple[str, dict[str, Any], tuple[int, int, int], str]] = [
    *(("huang", {**HUANG, "statistic": statistic}, (7, 9, 3), "") for statistic in ("median", "mean", "max", "min")),
    ("huang", {**HUANG, "filter_size": 3, "shuffle": "none", "order": "pre"}, (6, 5, 1), ""),
    ("huang", {**HUANG, "negative_positive": "global", "shuffle": "per_image"}, (4, 6, 3), "clinic 7"),
    *(
        ("huang", {**HUANG, "mode": "sliding", "statistic": statistic, "key_policy": policy}, (3, 6, 3), "")
        for statistic, policy in (("median", "shared"), ("mean", "ephemeral"), ("max", "derived"), ("min", "derived"))
    ),
    *(("skk-g", {**SKK_G, "key_policy": policy}, (5, 7, 3), "") for policy in ("shared", "derived", "ephemeral")),
    ("skk-g", {**SKK_G, "kernel": 5, "sigma": 1.1}, (5, 6, 1), "clinic 7"),
    ("skk-g", {**SKK_G, "order": "pre", "shuffle": "none"}, (4, 5, 3), ""),
    ("skk-g", {**SKK_G, "key_block": 2, "shuffle": "per_image"}, (4, 5, 3), ""),
    ("skk-g", {**SKK_G, "key_block": 2}, (3, 4, 3), ""),
    ("svd-popescu", POPESCU, (5, 6, 3), ""),
    ("svd-popescu", {**POPESCU, "components": 2}, (7, 4, 1), ""),
    ("svd-popescu", {**POPESCU, "variant": "per_image"}, (6, 5, 3), ""),
    ("svd-popescu", {**POPESCU, "variant": "per_image", "components": 9}, (4, 6, 1), ""),
    ("svd-wang", WANG, (6, 5, 3), ""),
    ("svd-wang", {**WANG, "components": 0, "levels": 4, "size": 4}, (5, 7, 1), "clinic 7"),
    ("svd-wang", {**WANG, "factor": "image", "projection": "both"}, (4, 6, 3), ""),
    ("svd-wang", {**WANG, "levels": 0, "projection": "none"}, (6, 4, 1), ""),
]


def asset_of(shape: tuple[int, int, int], components: int) -> dict[str, Any]:
    """Some basis with its mean: cosines, orthonormal as those of a fitted basis are."""
    _, width, channels = shape
    basis = [
        [
            [math.sqrt(2 / width) * math.cos(math.pi * (j + 0.5) * (k + 0.5) / width) for k in range(components)]
            for j in range(width)
        ]
        for _ in range(channels)
    ]
    return {"basis": basis, "mean": [[100.0 + 10 * c + j for j in range(width)] for c in range(channels)]}


def forward_vectors() -> dict[str, Any]:
    """Images under every forward-only scheme of version 1, without noise, of sizes that blocks and windows cut."""
    filtered, matrix = vectors.reference("filtered_reference"), vectors.reference("matrix_reference")
    secret = vectors.octets("forward secret")
    cases = []
    for scheme, parameters, shape, client in CASES:
        images = [vectors.pixels(f"forward image {number}", shape) for number in range(2)]
        floats = scheme.startswith("svd")
        labels: dict[str, Any] = {"scheme": scheme, "parameters": parameters, "client": client}
        nonced = parameters["key_policy"] in ("derived", "ephemeral")
        nonces = [vectors.octets(f"forward nonce {n}", 16) if nonced else bytes(16) for n in range(2)]
        asset = None
        if floats:
            basis = scheme == "svd-popescu" and parameters["variant"] == "basis"
            asset = asset_of(shape, parameters["components"] + 1) if basis else None
            hidden = [matrix.encrypt(image, **labels, secret=secret, asset=asset) for image in images]
        else:
            hidden = [
                filtered.encrypt(image, **labels, secret=secret, nonce=nonce)
                for image, nonce in zip(images, nonces, strict=True)
            ]
        cases.append(
            {
                **labels,
                # With an asset the digest of the asset is a parameter too.
                "digest": None if asset else filtered.digest(scheme, parameters),
                "nonces": [nonce.hex() for nonce in nonces] if nonced else None,
                "shape": list(shape),
                "encrypted_shape": [len(hidden[0]), len(hidden[0][0]), len(hidden[0][0][0])],
                "asset": asset,
                "plain": [bytes(vectors.flat(image)).hex() for image in images],
                "encrypted": [
                    [round(value, 6) for value in vectors.flat(image)] if floats else bytes(vectors.flat(image)).hex()
                    for image in hidden
                ],
            }
        )
    return {
        "format": "pixelveil-forward-vectors/v1",
        "provenance": "Written by spec/make_forward_vectors.py from tests/reference/filtered_reference.py and "
        "tests/reference/matrix_reference.py, implementations of spec/forward-v1.md that use the Python standard "
        "library only and share nothing with the package.",
        "tolerance": {"huang": 0, "skk-g": 1, "svd-popescu": 1e-3, "svd-wang": 1e-3},
        "secret": secret.hex(),
        "cases": cases,
    }


def main() -> None:
    """Write the file."""
    path = ROOT / "spec" / "vectors" / "forward-v1.json"
    path.write_text(vectors.compact(forward_vectors()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
