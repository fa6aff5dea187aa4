"""Write the test vectors in spec/vectors, from the reference implementations alone: ``python spec/make_vectors.py``.

Run it again and nothing changes. The vectors of a released version never change; a new rule is a new version.
"""

from __future__ import annotations

import hashlib
import json
import math
import runpy
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROVENANCE = (
    "Written by spec/make_vectors.py from {}, an implementation of {} that uses the Python standard library only and "
    "shares nothing with the package; it is itself checked against {}."
)


def reference(name: str) -> SimpleNamespace:
    """Load one of the reference implementations."""
    return SimpleNamespace(**runpy.run_path(str(ROOT / "tests" / "reference" / f"{name}.py")))


def octets(label: str, size: int = 32) -> bytes:
    """Bytes for a vector that anybody can see were not chosen: the SHA-256 of a label."""
    return hashlib.sha256(label.encode()).digest()[:size]


def digest(numbers: list[Any]) -> str:
    """SHA-256 of lists of numbers, however nested, each as four little-endian bytes: for results too long to print."""

    def octets_of(item: Any) -> bytes:
        return item.to_bytes(4, "little") if isinstance(item, int) else b"".join(map(octets_of, item))

    return hashlib.sha256(octets_of(numbers)).hexdigest()


def stream_vectors() -> dict[str, Any]:
    """Draws of every kind; nonces whose counters carry and wrap; bounds that reject never, seldom and often."""
    ref = reference("stream_reference")
    key = octets("stream key")
    nonces = [bytes(16), octets("nonce", 16), bytes(8) + b"\xff" * 8, b"\xff" * 16]
    bounds = (1, 2, 3, 6, 24, 129, 200, 255, 256, 257, 1000, 65536, 2**31 + 1, 2**32 - 1, 2**32)
    draws: list[tuple[str, int, dict[str, int]]] = [
        *(("bytes", size, {}) for size in (1, 16, 50)),
        *(("bits", size, {}) for size in (1, 8, 13, 300)),
        *(("bits", size, {"width": width}) for width, size in product((2, 3, 5, 8), (1, 13))),
        *(("integers", size, {"bound": bound}) for bound, size in product(bounds, (1, 40))),
        *(("integers", 1500, {"bound": bound}) for bound in (6, 129, 2**31 + 1)),
        *(("permutation", size, {}) for size in (1, 2, 3, 16, 64, 768, 5000)),
        *(("permutations", size, {"count": count}) for size, count in ((1, 3), (5, 1), (6, 4), (96, 70))),
        *(("gaussians", size, {}) for size in (1, 2, 7, 64)),
        *(("orthogonal", size, {}) for size in (1, 2, 3, 12)),
    ]
    cases = []
    for draw, size, options in draws:
        used = nonces[:2] if size > 64 or draw == "orthogonal" else nonces
        rows = [getattr(ref, f"draw_{draw}")(ref.stream(key, nonce), size, **options) for nonce in used]
        long = size * options.get("count", 1) > 300
        case: dict[str, Any] = {"draw": draw, "size": size, **options, "nonces": [nonce.hex() for nonce in used]}
        case |= {"sha256_le32": digest(rows)} if long else {"result": rows}
        cases.append(case)
    checks = "FIPS 197, NIST SP 800-38A and RFC 5869 vectors"
    return {
        "format": "pixelveil-stream-vectors/v1",
        "provenance": PROVENANCE.format("tests/reference/stream_reference.py", "spec/stream-v1.md", checks),
        "tolerance": {"gaussians": 1e-12, "orthogonal": 1e-10},
        "key": key.hex(),
        "cases": cases,
    }


def derive_vectors() -> dict[str, Any]:
    """Sub-keys, fingerprints, labels that are refused; and the streams that key material hands to steps."""
    ref = reference("stream_reference")
    root = octets("root")
    labels = [
        {"purpose": "fingerprint", "scheme": "", "client": "", "role": ""},
        {"purpose": "shared-plan", "scheme": "a1b2c3", "client": "", "role": "block-order"},
        {"purpose": "shared-plan", "scheme": "a1b2c3", "client": "clinic 7", "role": "block-order"},
        {"purpose": "image-plan", "scheme": "a1b2c3", "client": "", "role": "block-order"},
        {"purpose": "purpose=x", "scheme": " ", "client": "~!\"\\'", "role": "role=y"},
    ]
    refused = [
        {"purpose": "", "scheme": "", "client": "", "role": ""},
        {"purpose": "a\nscheme=b", "scheme": "", "client": "", "role": ""},
        {"purpose": "a", "scheme": "", "client": "clinique é", "role": ""},
        {"purpose": "a", "scheme": "b\x7f", "client": "", "role": ""},
        {"purpose": "a", "scheme": "", "client": "", "role": "tab\t"},
    ]
    nonces = [octets("image 0", 16), octets("image 1", 16)]
    plans = []
    for purpose, streams in (("shared-plan", [bytes(16)]), ("image-plan", nonces)):
        key = ref.subkey(root, purpose=purpose, scheme="a1b2c3", client="clinic 7", role="shuffle")
        rows = [ref.draw_permutation(ref.stream(key, nonce), 16) for nonce in streams]
        plans.append({"purpose": purpose, "nonces": [nonce.hex() for nonce in streams], "permutation_16": rows})
    return {
        "format": "pixelveil-derive-vectors/v1",
        "provenance": PROVENANCE.format(
            "tests/reference/stream_reference.py", "spec/stream-v1.md", "FIPS 197, NIST SP 800-38A and RFC 5869 vectors"
        ),
        "secret": root.hex(),
        "fingerprint": ref.subkey(root, purpose="fingerprint")[:16].hex(),
        "subkeys": [
            {**label, "info": ref.info_string(**label).decode(), "subkey": ref.subkey(root, **label).hex()}
            for label in labels
        ],
        "refused": refused,
        "plans": {"scheme": "a1b2c3", "client": "clinic 7", "role": "shuffle", "streams": plans},
    }


def keyfile_vectors() -> dict[str, Any]:
    """Key files with everything that went into them."""
    ref = reference("keyfile_reference")
    first = ref.SealedEpoch("active", 10_000, 512, "2026-11-20", octets("root 1"))
    history = [
        ref.SealedEpoch("retired", 10_000, 10_000, "2026-02-28", octets("root 1")),
        ref.SealedEpoch("retired", 1, 0, "2028-02-29", octets("root 2")),
        ref.SealedEpoch("active", 2**53 - 1, 2**53 - 1, "2028-03-01", octets("root 3")),
    ]
    choices = [
        ("one epoch, default cost", "correct horse battery staple", 17, [first]),
        ("rotated twice, numbers at their limits", "x", 10, history),
        ("passphrase that NFKC changes", "\ufb01le caf\u0065\u0301 \u2167", 10, [first]),
    ]
    cases = []
    for index, (name, passphrase, log2_n, epochs) in enumerate(choices):
        salt, nonce = octets(f"salt {index}", 16), octets(f"seal nonce {index}", 12)
        text = ref.key_file(passphrase, log2_n=log2_n, salt=salt, nonce=nonce, epochs=epochs)
        cases.append(
            {
                "name": name,
                "passphrase": passphrase,
                "log2_n": log2_n,
                "salt": salt.hex(),
                "nonce": nonce.hex(),
                "epochs": [{**epoch._asdict(), "root": epoch.root.hex()} for epoch in epochs],
                "file": text,
            }
        )
    return {
        "format": "pixelveil-keyfile-vectors/v1",
        "provenance": PROVENANCE.format(
            "tests/reference/keyfile_reference.py", "spec/keyfile-v1.md", "RFC 8439 and RFC 7914 vectors"
        ),
        "cases": cases,
    }


def pixels(label: str, shape: tuple[int, int, int]) -> list[list[list[int]]]:
    """An image whose values are the SHA-256 of a label and a counter."""
    height, width, channels = shape
    values = iter(b"".join(octets(f"{label} {part}") for part in range(-(-height * width * channels // 32))))
    return [[[next(values) for _ in range(channels)] for _ in range(width)] for _ in range(height)]


def flat(image: list[list[list[Any]]]) -> list[Any]:
    """The values of an image in (row, column, channel) order."""
    return [value for row in image for pixel in row for value in pixel]


def scheme_choices() -> list[tuple[str, dict[str, Any], tuple[int, int, int], str]]:
    """Every scheme with its parameters, the size of the images, and a client."""
    own = {"key_policy": "derived"}
    skk = {"flip": "bernoulli", "key_policy": "derived", "shuffle": "per_pixel"}
    smkk = {"key_policy": "shared", "shuffle": "per_pixel"}
    block4, block8, block16 = ({"block_size": side, "key_policy": "shared"} for side in (4, 8, 16))
    permutation = {
        **{"block_size": 4, "invert": True, "key_policy": "shared", "per_block": False},
        **{"scramble_blocks": True, "shuffle": True},
    }
    orthogonal = {"block_size": 4, "key_policy": "shared", "scramble_blocks": True}
    restricted = {"block_size": 4, "fixed_blocks": 612, "fixed_values": 651, "key_policy": "shared"}
    compressible = {"block_size": 8, "key_policy": "shared", "per_block": False, "sub_block_size": 4}
    policies = ("shared", "derived", "ephemeral")
    small, odd, gray, square = (5, 7, 3), (21, 18, 3), (21, 18, 1), (32, 32, 3)
    blockwise = (
        ("tanaka-le", block4),
        ("madono-ele", block4),
        ("etc-color", block8),
        ("etc-gray", block8),
        ("vit-restricted", restricted),
        ("vit-compressible", compressible),
        ("vit-compressible", {**compressible, "per_block": True}),
    )
    return [
        *(("skk", {**skk, "key_policy": policy}, small, "") for policy in policies),
        ("skk", {**skk, "shuffle": "per_image"}, small, ""),
        ("skk", {**skk, "shuffle": "none"}, small, "clinic 7"),
        ("skk", skk, (5, 7, 1), ""),
        ("skk", skk, square, ""),
        ("skk", {**skk, "flip": "exact_half", "shuffle": "none"}, odd, ""),
        ("skk", {**skk, "flip": "exact_half", "key_policy": "shared"}, (5, 7, 1), ""),
        *(("smkk", smkk, shape, "") for shape in (odd, gray, square)),
        ("smkk", {**smkk, "shuffle": "none"}, small, "clinic 7"),
        *(("xor-stream", own, shape, "") for shape in (odd, gray, square)),
        ("xor-stream", {"key_policy": "ephemeral"}, small, ""),
        *(
            (name, {**choice, "key_policy": policy}, odd, "clinic 7")
            for name, choice in blockwise
            for policy in policies
        ),
        *((name, choice, gray, "") for name, choice in blockwise),
        *((name, choice, square, "") for name, choice in (("tanaka-le", block4), ("madono-ele", block4))),
        ("etc-color", block16, square, ""),
        ("etc-gray", block8, square, ""),
        ("vit-restricted", {**restricted, "block_size": 8, "fixed_blocks": 1000}, square, ""),
        ("vit-compressible", {**compressible, "block_size": 16, "sub_block_size": 8}, square, ""),
        *(("vit-permutation", {**permutation, "key_policy": policy}, (8, 8, 3), "") for policy in policies),
        ("vit-permutation", permutation, small, "clinic 7"),
        ("vit-permutation", permutation, (8, 12, 1), ""),
        ("vit-permutation", {**permutation, "shuffle": False, "block_size": 1}, (3, 3, 3), ""),
        ("vit-permutation", {**permutation, "invert": False, "block_size": 2}, (4, 6, 3), ""),
        ("vit-permutation", {**permutation, "scramble_blocks": False}, (8, 8, 3), ""),
        ("vit-permutation", {**permutation, "per_block": True, "block_size": 8}, odd, ""),
        ("vit-permutation", {**permutation, "block_size": 16}, square, ""),
        ("vit-orthogonal", orthogonal, (8, 8, 3), ""),
        *(
            ("vit-orthogonal", {**orthogonal, "key_policy": policy, "block_size": 2}, (3, 5, 3), "clinic 7")
            for policy in policies
        ),
        ("vit-orthogonal", {**orthogonal, "scramble_blocks": False, "block_size": 2}, (4, 4, 1), ""),
    ]


def scheme_vectors() -> dict[str, Any]:
    """Images under every scheme and key policy, of sizes that need padding, of one channel, with steps switched off."""
    ref = reference("scheme_reference")
    secret = octets("scheme secret")
    cases = []
    for scheme, parameters, shape, client in scheme_choices():
        shared = parameters["key_policy"] == "shared"
        count = 1 if math.prod(shape) > 1000 and shared else 2
        nonces = [bytes(16) if shared else octets(f"scheme nonce {image}", 16) for image in range(count)]
        images = [pixels(f"image {image}", shape) for image in range(count)]
        labels = {"scheme": scheme, "parameters": parameters, "client": client}
        hidden = [
            ref.encrypt(image, **labels, secret=secret, nonce=nonce)
            for image, nonce in zip(images, nonces, strict=True)
        ]
        size = [len(hidden[0]), len(hidden[0][0]), len(hidden[0][0][0])]
        floats = scheme == "vit-orthogonal"
        cases.append(
            {
                **labels,
                "digest": ref.digest(scheme, parameters),
                "nonces": None if shared else [nonce.hex() for nonce in nonces],
                "shape": list(shape),
                "encrypted_shape": size,
                "roles": ref.roles(scheme, parameters, tuple(size)),
                "plain": [bytes(flat(image)).hex() for image in images],
                "encrypted": [
                    [round(value, 6) for value in flat(image)] if floats else bytes(flat(image)).hex()
                    for image in hidden
                ],
            }
        )
    return {
        "format": "pixelveil-schemes-vectors/v1",
        "provenance": PROVENANCE.format(
            "tests/reference/scheme_reference.py", "spec/schemes-v1.md", "published examples"
        ),
        "tolerance": {"vit-orthogonal": 1e-4},
        "secret": secret.hex(),
        "cases": cases,
    }


def compact(value: Any, indent: str = "") -> str:
    """Write JSON with a list of plain values on one line."""
    if isinstance(value, dict):
        inner = ",\n".join(f"{indent}  {json.dumps(k)}: {compact(v, indent + '  ')}" for k, v in value.items())
        return f"{{\n{inner}\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        inner = ",\n".join(f"{indent}  {compact(item, indent + '  ')}" for item in value)
        return f"[\n{inner}\n{indent}]"
    return json.dumps(value)


VECTORS = {
    "stream-v1": stream_vectors,
    "derive-v1": derive_vectors,
    "keyfile-v1": keyfile_vectors,
    "schemes-v1": scheme_vectors,
}


def main() -> None:
    """Write every file of vectors."""
    for name, make in VECTORS.items():
        path = ROOT / "spec" / "vectors" / f"{name}.json"
        path.write_text(compact(make()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
