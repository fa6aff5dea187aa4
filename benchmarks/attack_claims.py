"""What the sources claim, measured: the attack that a claim rests on, and the stronger one that changes the verdict.

Each claim has its published figures, "claimed" rows (the attacks of the claim) and "stronger" rows, all with matched
controls and intervals. ``--pcos CSV`` counts the photographs behind a data set from a table of its files with the
columns file, class, source.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.attack_measuring import photographs
from benchmarks.claims_floats import as_published
from benchmarks.claims_models import access, gradients, server, small_bases
from benchmarks.claims_rows import images_of, measured
from pixelveil import create_scheme
from pixelveil.audit.images import AuditImages

__all__ = ["CLAIMS", "count_sources", "run"]

Row = dict[str, Any]
# (attack or game, scheme, parameters, known pairs at most)
Cell = tuple[str, str, dict[str, Any], int]

_SMALL = {"block_size": 4}
# The side that the networks of the theses read; projections grow with it.
_NETWORKS = 224
_SOFT = {"kernel": 5, "sigma": 1.1}

CLAIMS: tuple[dict[str, Any], ...] = (
    {
        "claim": "skk-one-key",
        "source": "Sirichotedumrong, Maekawa, Kinoshita and Kiya, ICIP (2019), abstract",
        "says": "images without visual information can be used for training and testing, under one key",
        "published": [],
        "claimed": [("leading-bit", "smkk", {}, 0), ("minimum-difference", "smkk", {}, 0)],
        "stronger": [("statistics-skk", "smkk", {}, 0), ("known-plaintext-lanes", "smkk", {}, 2)],
    },
    {
        "claim": "skk",
        "source": "Sirichotedumrong, Kinoshita and Kiya, IEEE Access 7 (2019); attacked by Chang and Case (2020)",
        "says": "a key of its own for every image, which nobody needs; Chang and Case show that single images leak",
        "published": [],
        "claimed": [("leading-bit", "skk", {}, 0), ("minimum-difference", "skk", {}, 0)],
        "stronger": [("minimum-difference-plus", "skk", {}, 0), ("matching", "skk", {}, 0), ("linking", "skk", {}, 0)],
    },
    {
        "claim": "huang",
        "source": "Huang, Yap, Chiu and Sun, IEEE Access 10 (2022), abstract",
        "says": "an enhanced version of previous methods, because of the attacks on them",
        "published": [],
        "claimed": [("leading-bit", "huang", {}, 0), ("minimum-difference", "huang", {}, 0)],
        "stronger": [
            ("energy", "huang", {}, 0),
            ("energy", "huang", {"statistic": "max"}, 0),
            ("matching", "huang", {}, 0),
            ("linking", "huang", {}, 0),
        ],
    },
    {
        "claim": "lin",
        "source": "Lin, thesis, NCCU (2025), abstract and table of contents (chapters 4.2 and 5.1)",
        "says": "people cannot recognize encrypted images; analyzed under ciphertext-only attacks",
        "published": [],
        "claimed": [("leading-bit", "skk-g", {}, 0), ("minimum-difference", "skk-g", {}, 0)],
        "stronger": [
            ("deconvolution", "skk-g", {}, 0),
            ("deconvolution", "skk-g", _SOFT, 0),
            ("energy", "skk-g", {}, 0),
            ("matching", "skk-g", {}, 0),
            ("linking", "skk-g", {}, 0),
        ],
    },
    {
        "claim": "wang",
        "source": "Wang, thesis, NCCU (2025), abstract",
        "says": "SSIM below 0.07 and negative PSNR under the leading-bit and the minimum-difference attack",
        "published": [
            {"measure": "SSIM", "figure": "< 0.07"},
            {"measure": "PSNR", "figure": "negative"},
        ],
        "claimed": [("leading-bit", "svd-wang", {}, 0), ("minimum-difference", "svd-wang", {}, 0)],
        "stronger": [
            ("known-plaintext-affine", "svd-wang", {}, 0),
            ("known-plaintext-affine", "svd-wang", {"factor": "image"}, 0),
            ("known-plaintext-affine", "svd-wang", {"factor": "image"}, 20),
            ("matching", "svd-wang", {}, 0),
            ("linking", "svd-wang", {}, 0),
        ],
    },
    {
        "claim": "vit",
        "source": "Kiya, SCAT research report (2023); Kiya et al., IEICE Trans. E106-D(1) (2023)",
        "says": "without the key, visual information is hard to recover; evaluated under ciphertext-only attacks",
        "published": [],
        "claimed": [
            ("leading-bit", "vit-orthogonal", _SMALL, 0),
            ("minimum-difference", "vit-orthogonal", _SMALL, 0),
            ("jigsaw", "vit-orthogonal", _SMALL, 0),
            ("jigsaw", "vit-permutation", _SMALL, 0),
        ],
        "stronger": [
            ("statistics-vit", "vit-permutation", _SMALL, 0),
            ("statistics-vit", "vit-orthogonal", _SMALL, 0),
            ("known-plaintext-lanes", "vit-permutation", _SMALL, 1),
            ("known-plaintext-affine", "vit-orthogonal", _SMALL, 1),
            ("matching", "vit-orthogonal", _SMALL, 0),
        ],
    },
)
"""The claims that attacks and games of the catalogue answer; `run` adds what needs more than those."""

LITERAL: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "skk": (("skk", {}),),
    "huang": (("huang", {}),),
    "lin": (("skk-g", {}), ("skk-g", _SOFT)),
    "wang": (("svd-wang", {}), ("svd-wang", {"factor": "image"})),
}
"""Where both attacks are run as they were published too: one reading, even where there is nothing for them to undo."""


def run(data: Path | None, *, pcos: Path | None = None, victims: int = 200, others: int = 1000) -> Row:
    """Return all claims.

    Args:
        data: An .npz file of CIFAR-10; None: crops of photographs.
        pcos: A table of the files of the PCOS set; None: its row is left out.
        victims: Images that are to be read.
        others: Public images, and half as many known pairs.
    """
    images = images_of(data, victims=victims, others=others)
    claims = {one["claim"]: _answered(one, images) for one in CLAIMS}
    for name, schemes in LITERAL.items():
        made = [create_scheme(scheme, **parameters) for scheme, parameters in schemes]
        claims[name]["as published"] = [row for scheme in made for row in as_published(scheme, images.victims)]
    claims["wang"]["as published"] += as_published(create_scheme("svd-wang"), photographs(_NETWORKS))
    if pcos is not None:
        claims["wang-pcos"] = {
            "source": "Wang, thesis, NCCU (2025), abstract",
            "says": "more than 85 % accuracy on the PCOS ultrasound set",
            "published": [{"measure": "accuracy", "figure": "> 85 %"}],
            "sources": count_sources(pcos),
        }
    claims["vit"] |= _requirements(images)
    return {
        "images": {"set": "CIFAR-10" if data else "crops of photographs", **images.facts},
        "claims": claims,
    }


def count_sources(path: Path) -> Row:
    """Return how many photographs a set was made of, and what a split by files is worth.

    Args:
        path: CSV with the columns file, class, source.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pairs = Counter((row["source"], row["class"]) for row in rows)
    sources = Counter(row["source"] for row in rows)
    # Whoever only tells which photograph a file was made of, and remembers its class, is right about these.
    right = sum(max(count for (name, _), count in pairs.items() if name == source) for source in sources)
    return {
        "files": len(rows),
        "photographs": len(sources),
        "photographs_by_class": dict(sorted(Counter(name for _, name in pairs).items())),
        "fewest_files_of_a_photograph": min(sources.values()),
        "accuracy_of_recognizing_the_photograph": round(right / len(rows), 4),
    }


def _answered(claim: dict[str, Any], images: AuditImages) -> Row:
    rows: dict[str, list[Row]] = {}
    for part in ("claimed", "stronger"):
        rows[part] = []
        for name, scheme, parameters, keep in claim[part]:
            rows[part].append(measured(name, scheme, parameters, images=images, keep=keep))
            row = rows[part][-1]
            print(claim["claim"], name, scheme, row["verdict"], row.get("seconds", ""), flush=True)
    return {"source": claim["source"], "says": claim["says"], "published": claim["published"], **rows}


def _requirements(images: AuditImages) -> Row:
    """Return requirements (a) to (d) of the ViT scheme: what was required, and what was measured."""
    bases = small_bases()
    victims = images.victims[:100]
    return {
        "a": server(bases, victims, images.public[:300]),
        "b": gradients(bases, images.victims[:4]),
        "c and d": access(bases),
    }
