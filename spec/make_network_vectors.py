"""Write spec/vectors/networks-v1.json from the reference of the networks: ``python spec/make_network_vectors.py``."""

from __future__ import annotations

import math
import runpy
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

base = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("make_vectors.py"))))

WEIGHTS = (
    "bytes of SHA-256 of the array's name, a space and a counter from 0; a byte b stands for (b - 128) / 256, in "
    "arrays called scale or variance for (b + 1) / 256"
)


def network_weights(layout: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """Arrays that anybody can make, see WEIGHTS."""

    def filled(values: Any, shape: tuple[int, ...]) -> Any:
        return [filled(values, shape[1:]) for _ in range(shape[0])] if shape else next(values)

    weights = {}
    for name, shape in layout.items():
        stream = b"".join(base.octets(f"{name} {part}") for part in range(-(-math.prod(shape) // 32)))
        positive = name.endswith(("/scale", "/variance"))
        weights[name] = filled(((byte + 1 if positive else byte - 128) / 256 for byte in stream), shape)
    return weights


def network_vectors() -> dict[str, Any]:
    """What the networks of the learned schemes make of images, in color, gray, and of sizes that are padded."""
    ref = base.reference("network_reference")
    networks = (("image-to-perturbation", "unet", 2, 3), ("gan-transform", "generator", 1, 2))
    cases = []
    for (scheme, network, width, depth), shape in product(networks, ((8, 8, 3), (5, 7, 3), (9, 12, 1))):
        weights = network_weights(getattr(ref, f"{network}_layout")(width, depth))
        image = base.pixels("network", shape)
        made = ref.transform(image, weights, network=network, depth=depth)
        cases.append(
            {
                **{"scheme": scheme, "width": width, "depth": depth, "shape": list(shape)},
                "plain": bytes(base.flat(image)).hex(),
                "levels": [round(value, 4) for value in base.flat(made)],
            }
        )
    return {
        "format": "pixelveil-networks-vectors/v1",
        "provenance": "Written by spec/make_network_vectors.py from tests/reference/network_reference.py, an "
        "implementation of the papers' networks that uses the Python standard library only and shares nothing with the "
        "package; it is itself checked against convolutions of SciPy.",
        "weights": WEIGHTS,
        "tolerance": 0.01,
        "cases": cases,
    }


VECTORS = {"networks-v1": network_vectors}


def main() -> None:
    """Write the file of vectors."""
    for name, make in VECTORS.items():
        path = base.ROOT / "spec" / "vectors" / f"{name}.json"
        path.write_text(base.compact(make()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
