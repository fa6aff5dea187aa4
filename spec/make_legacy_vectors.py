"""Write spec/vectors/legacy-v1.json from renderings of public programs alone: ``python spec/make_legacy_vectors.py``.

Run it again and nothing changes.
"""

from __future__ import annotations

import hashlib
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
COUNT = 2

Case = dict[str, Any]
Shape = tuple[int, int, int]


def reference(name: str) -> SimpleNamespace:
    """Load renderings of public programs."""
    return SimpleNamespace(**runpy.run_path(str(ROOT / "tests" / "reference" / f"{name}.py")))


def images(shape: Shape) -> np.ndarray:
    """Two images whose value number i is ``(37 i + 101 (i div 256) + 11) mod 256``."""
    number = np.arange(COUNT * int(np.prod(shape)))
    return ((37 * number + 101 * (number // 256) + 11) % 256).astype(np.uint8).reshape(COUNT, *shape)


def permutation(size: int, *, factor: int, shift: int) -> list[int]:
    """``(factor j + shift) mod size`` for j = 0, 1, ...; factor and size have no common divisor."""
    return [(factor * place + shift) % size for place in range(size)]


def case(
    scheme: str,
    shape: tuple[int, int, int],
    encrypted: Any,
    *,
    arrays: Case,
    channel_bug: bool = False,
    **parameters: Any,
) -> Case:
    """One vector whose material is printed in full."""
    return {
        **{"scheme": scheme, "parameters": parameters, "shape": list(shape), "channel_bug": channel_bug},
        "arrays": {name: np.asarray(values).astype(int).tolist() for name, values in arrays.items()},
        "encrypted": [image.tobytes().hex() for image in np.asarray(encrypted, np.uint8)],
    }


def seeded(scheme: str, shape: Shape, encrypted: Any, *, seed: int, rng: str, arrays: Case, **options: Any) -> Case:
    """One vector whose material is drawn from a seed: digests of material and images."""
    full = case(scheme, shape, encrypted, arrays=arrays, **options)
    digests = {name: digest(np.asarray(values, "<u4").tobytes()) for name, values in arrays.items()}
    octets = b"".join(bytes.fromhex(image) for image in full.pop("encrypted"))
    return {
        **full,
        **{"seed": seed, "rng": rng, "arrays": digests},
        **{"first": list(octets[:16]), "encrypted_sha256": digest(octets)},
    }


def digest(octets: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(octets).hexdigest()


def nibble_cases() -> list[Case]:
    """LE and ELE."""
    public, found = reference("public_code"), []
    key, shape = permutation(96, factor=7, shift=5), (8, 8, 3)
    found.append(
        case("tanaka-le", shape, public.le_scramble(images(shape), np.array(key)), arrays={"permutation": key})
    )
    mask = [j * j % 5 % 2 for j in range(96)]
    made = public.le_scramble_with_mask(images(shape), np.array(key), mask)
    found.append(case("tanaka-le", shape, made, arrays={"permutation": key, "mask": mask}))
    gray, short = (4, 8, 1), permutation(32, factor=5, shift=3)
    made = public.le_scramble(images(gray), np.array(short))
    found.append(case("tanaka-le", gray, made, arrays={"permutation": short}))
    small = permutation(24, factor=5, shift=3)
    made = public.le_scramble(images(shape), np.array(small), 2)
    found.append(case("tanaka-le", shape, made, arrays={"permutation": small}, block_size=2))
    keys = [permutation(96, factor=factor, shift=factor) for factor in (5, 7, 11, 13)]
    made = public.ele_scramble(images(shape), [np.array(one) for one in keys], [2, 0, 3, 1])
    found.append(case("madono-ele", shape, made, arrays={"permutations": keys, "block_order": [2, 0, 3, 1]}))
    shape = (32, 32, 3)
    drawn = public.le_key(96, 7)
    made = public.le_scramble(images(shape), drawn)
    found.append(seeded("tanaka-le", shape, made, seed=7, rng="numpy", arrays={"permutation": drawn}))
    drawn, order = public.ele_keys(64, 96, 30), public.ele_order(64, 30)
    made = public.ele_scramble(images(shape), drawn, order)
    arrays = {"permutations": drawn, "block_order": order}
    found.append(seeded("madono-ele", shape, made, seed=30, rng="numpy", arrays=arrays))
    return found


def color_cases() -> list[Case]:
    """EtC and PE, with channels permuted and with channels lost."""
    public, found = reference("public_code"), []
    shape, blocks = (8, 12, 3), range(6)
    drawn = {
        "rotate": [block % 4 for block in blocks],
        "reverse": [(block + 1) % 3 for block in blocks],
        "negaposi": [block % 2 for block in blocks],
        "channel": list(blocks),
        "shuffle": [4, 2, 0, 5, 3, 1],
    }
    small = (4, 4, 3)
    keep, colors = [j * j % 7 % 2 for j in range(48)], [j % 6 for j in range(16)]
    for bug in (True, False):
        made = public.etc_scramble(images(shape), drawn, true_colors=not bug)
        found.append(case("etc-color", shape, made, arrays=drawn, channel_bug=bug, block_size=4))
        made = public.pe_scramble_all(images(small), keep, colors, not bug)
        arrays = {"mask": [1 - bit for bit in keep], "colors": colors}
        found.append(case("smkk", small, made, arrays=arrays, channel_bug=bug))
    whole = (32, 32, 3)
    experiments = public.etc_parameters(64, 30)
    bits, codes = public.pe_key(32, 32, 7)
    for bug in (True, False):
        made = public.etc_scramble(images(whole), experiments, true_colors=not bug)
        options = {"channel_bug": bug, "block_size": 4}
        found.append(seeded("etc-color", whole, made, seed=30, rng="python", arrays=experiments, **options))
        made = public.pe_scramble_all(images(whole), bits, codes, not bug)
        arrays = {"mask": 1 - bits, "colors": codes}
        options = {"channel_bug": bug, "key_policy": "shared"}
        found.append(seeded("skk", whole, made, seed=7, rng="numpy", arrays=arrays, **options))
    return found


def vit_cases() -> list[Case]:
    """The scripts for Vision Transformers."""
    public, found = reference("public_vit_code"), []
    shape = (8, 8, 3)
    key_1, key_2 = permutation(48, factor=5, shift=7), [2, 0, 3, 1]
    made = public.vit_scramble(images(shape), np.array(key_1), np.array(key_2), 4)
    arrays = {"key_1": key_1, "key_2": key_2}
    found.append(case("vit-permutation", shape, made, arrays=arrays, block_size=4, invert=False))
    whole = (32, 48, 3)
    for rng in ("numpy", "numpy-generator"):
        first, second = public.vit_keys(16, 32, 48, 7, modern=rng != "numpy")
        made = public.vit_scramble(images(whole), first, second)
        arrays = {"key_1": first, "key_2": second}
        found.append(seeded("vit-permutation", whole, made, seed=7, rng=rng, arrays=arrays, invert=False))
    names = ("rotation", "flipping", "np_inversion", "channel_shuffle", "sb_scrambling_order")
    inner, outer = public.cfe_fold(7, 0x57), public.cfe_fold(7, 0x35)
    for variant, blocks in (("V1", 1), ("V2", 6)):
        seeds = [inner] if variant == "V1" else [public.cfe_fold(inner, block) for block in range(blocks)]
        rows = [public.cfe_draw(seed, 4) for seed in seeds]
        arrays = {name: np.array([row[column] for row in rows], int) for column, name in enumerate(names)}
        arrays["mb_scrambling_order"] = np.random.default_rng(outer).permutation(6)
        made = np.stack([public.cfe_scramble(image, 7, variant) for image in images(whole)])
        options = {"per_block": variant == "V2"}
        found.append(seeded("vit-compressible", whole, made, seed=7, rng="numpy-generator", arrays=arrays, **options))
    return found


def legacy_vectors() -> Case:
    """All of them."""
    return {
        "format": "pixelveil-legacy-vectors/v1",
        "provenance": "Written by spec/make_legacy_vectors.py from tests/reference/public_code.py and "
        "public_vit_code.py, renderings of public programs that share nothing with the package.",
        "plain": images.__doc__,
        "cases": [*nibble_cases(), *color_cases(), *vit_cases()],
    }


def main() -> None:
    """Write the file."""
    compact = runpy.run_path(str(ROOT / "spec" / "make_vectors.py"))["compact"]
    path = ROOT / "spec" / "vectors" / "legacy-v1.json"
    path.write_text(compact(legacy_vectors()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
