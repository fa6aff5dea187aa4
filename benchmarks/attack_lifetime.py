"""Key lifetime: what the growing attacks read by the number of images under one key, and from how many on.

A point of few images is measured under several keys, until there are as many victims as a verdict needs. There are two
controls, in the same choice of readings: the attack on noise, and what it read, scored against images that it is *not*
a reading of, for smooth pictures are alike without showing each other. For each measure the higher one counts. The
positive control is the curve itself: at its upper end the attack reads what it does not read at the lower one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.attack_measuring import cifar
from pixelveil import Key, create_scheme
from pixelveil.attacks import Budget, Evidence, create_attack
from pixelveil.attacks.controls import negative_control
from pixelveil.attacks.evaluate import Scores, higher, score
from pixelveil.attacks.measures import ranks
from pixelveil.attacks.verdict import RULES, judge
from pixelveil.audit.cell import Cell
from pixelveil.audit.lifetime import Curve, series
from pixelveil.audit.trial import figures_of
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme

__all__ = ["NOISES", "SETTINGS", "Setting", "curve_of", "pooled", "processes", "row_of", "run"]

Bytes = NDArray[np.uint8]
Row = dict[str, Any]

MOST, PUBLIC = 2000, 500
# Of each point; the noise of so many keys is enough, for it has nothing to do with the victims.
NOISES = 2
_SECONDS = 20.0
_PROCESSES = 2


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One curve.

    Args:
        scheme: Name of the scheme.
        attack: Name of an attack that grows with the number of images under one key.
        parameters: Of the scheme, beside the shared key.
        counts: Numbers of images under one key.
    """

    scheme: str
    attack: str
    parameters: dict[str, Any] = field(default_factory=dict)
    counts: Sequence[int] = series(MOST)

    @property
    def created(self) -> Scheme:
        """The scheme with one key for all images."""
        return create_scheme(self.scheme, key_policy="shared", **self.parameters)


# Below 3 images there is no covariance of blocks to speak of. Points of few images take many keys, and slow attacks
# have fewer of them.
_EACH = (1, 2, 5, 20, 200, 2000)
_MANY = (3, 5, 10, 20, 50, 200, 2000)
_BLOCKS = (5, 10, 20, 50, 2000)
_FEW = (5, 20, 2000)
_SUB_BLOCKS = {4: 2, 8: 4}

SETTINGS = (
    Setting(scheme="smkk", attack="statistics-skk", counts=(1, 2, 5, 2000)),
    Setting(scheme="skk", attack="statistics-skk", counts=_EACH),
    Setting(scheme="tanaka-le", attack="statistics-le", counts=_EACH),
    Setting(scheme="madono-ele", attack="statistics-ele", counts=_BLOCKS),
    *(
        Setting(scheme=scheme, attack="statistics-etc", parameters={"block_size": side}, counts=counts)
        for scheme, side, counts in (("etc-color", 4, _BLOCKS), ("etc-color", 8, _BLOCKS), ("etc-gray", 8, _FEW))
    ),
    *(
        Setting(scheme=scheme, attack="statistics-vit", parameters={"block_size": side}, counts=counts)
        for scheme, side, counts in (
            ("vit-orthogonal", 4, _MANY),
            ("vit-orthogonal", 8, _BLOCKS),
            ("vit-permutation", 4, _BLOCKS),
            ("vit-permutation", 8, _FEW),
            ("vit-restricted", 4, _FEW),
            ("vit-restricted", 8, _FEW),
        )
    ),
    *(
        Setting(
            scheme="vit-compressible",
            attack="statistics-vit",
            parameters={"block_size": side, "sub_block_size": sub},
            counts=_FEW,
        )
        for side, sub in _SUB_BLOCKS.items()
    ),
)


def run(data: Path | None) -> Row:
    """Return all curves, measured in two processes."""
    if data is None:
        raise UsageError("a key's lifetime is measured on CIFAR-10", hint="give its file: --data cifar10.npz")
    # The slow ones first, so that both processes end at about the same time.
    order = sorted(SETTINGS, key=lambda each: -each.parameters.get("block_size", 1))
    with processes() as pool:
        rows = list(pool.map(_row, order, [data] * len(order)))
    names = [one.scheme for one in SETTINGS]
    rows.sort(key=lambda row: (names.index(row["scheme"]), row["block"]))
    return {"data": "CIFAR-10, 32x32", "public": PUBLIC, "gallery": MOST + PUBLIC, "curves": rows}


def processes() -> ProcessPoolExecutor:
    """Return two processes with one thread each."""
    os.environ["OMP_NUM_THREADS"] = "1"
    return ProcessPoolExecutor(_PROCESSES, mp_context=get_context("spawn"))


def _row(setting: Setting, data: Path) -> Row:
    train, test = cifar(data)
    return row_of(curve_of(setting, plain=test[:MOST], public=train[:PUBLIC]), block=setting.created.block)


def row_of(curve: Curve, *, block: int) -> Row:
    """Return a curve as JSON values.

    Args:
        curve: With at least one point.
        block: Side of a block in pixels.
    """
    first = curve.points[0]
    return {
        "scheme": first.scheme,
        "block": block,
        "parameters": dict(first.parameters),
        "attack": curve.attack,
        "quiet_until": curve.quiet_until,
        "first": {
            "LEAK": curve.leaks_from,
            "SERIOUS": next((cell.images for cell in curve.points if cell.verdict in ("SERIOUS", "BROKEN")), None),
            "BROKEN": curve.broken_from,
        },
        "points": [_point(cell) for cell in curve.points],
    }


def _point(cell: Cell) -> Row:
    point: Row = {"images": cell.images, "keys": cell.facts["keys"], "victims": cell.victims}
    for name in ("ssim", "ssim_control", "edge_correlation", "edge_correlation_control"):
        figure = cell.figure(name)
        point[name] = None if figure is None else round(figure.value, 3)
    recognized = cell.reidentification
    point["recognized"] = None if recognized is None else round(recognized.value, 3)
    return {**point, "verdict": cell.verdict, "criterion": cell.criterion}


def curve_of(setting: Setting, *, plain: Bytes, public: Bytes, victims: int = RULES.victims) -> Curve:
    """Return the curve of one scheme, from the most images down to a number that shows nothing.

    With fewer images nothing more is expected, and these points take longest: they need many keys.

    Args:
        setting: What is measured.
        plain: uint8 (n, H, W, C), as many as the largest number of images under one key.
        public: uint8 (m, H, W, C), others.
        victims: That each point has, over all its keys.
    """
    cells: list[Cell] = []
    for count in sorted(setting.counts, reverse=True):
        cells.insert(0, _cell(setting, plain=plain, public=public, count=count, victims=victims))
        print(setting.scheme, setting.parameters, count, cells[0].verdict, cells[0].criterion, flush=True)
        if cells[0].verdict == "NO LEAK FOUND":
            break
    if cells[-1].verdict == "NO LEAK FOUND":  # the upper end is the positive control
        cells[-1] = replace(cells[-1], verdict="INCONCLUSIVE", criterion="it reads nothing of the most images either")
    return Curve(attack=setting.attack, points=cells)


def _cell(setting: Setting, *, plain: Bytes, public: Bytes, count: int, victims: int) -> Cell:
    scheme, attack = setting.created, create_attack(setting.attack)
    at_once = min(count, victims)
    keys = -(-victims // at_once)
    groups = [(np.arange(count) + number * at_once) % len(plain) for number in range(keys)]
    found, others, noises = [], [], []
    for places in groups:
        key = Key.generate(budget=1 << 40)

        def encrypt(images: Bytes, key: Key = key) -> Any:
            return scheme.encrypt(images, key=key).images

        evidence = Evidence(
            scheme=scheme,
            ciphertexts=encrypt(plain[places]),
            shape=plain.shape[1:],
            victims=at_once,
            public=public,
        )
        result = attack.run(evidence, budget=Budget(seconds=_SECONDS))
        found.append(score(result, plain[places[:at_once]]))
        others.append(score(result, plain[(places[:at_once] + at_once) % len(plain)]))
        if len(noises) < NOISES:
            held = negative_control(evidence, encrypt=encrypt)
            noises.append(attack.run(held, budget=Budget(seconds=_SECONDS)))
    read = np.concatenate([places[:at_once] for places in groups])
    floors = [score(noises[number % len(noises)], plain[places[:at_once]]) for number, places in enumerate(groups)]
    control = higher(pooled(floors), pooled(others))
    gallery = np.concatenate([plain[read], np.delete(plain, read, axis=0), public])
    attacked = pooled(found)
    attacked = replace(attacked, ranks=ranks(attacked.images, gallery), gallery=len(gallery))
    judgment = judge(attacked, control, positive_passed=True)
    return Cell(
        scheme=setting.scheme,
        parameters=setting.parameters,
        key_policy="shared",
        attack=setting.attack,
        kind="lifetime",
        title=attack.title,
        citation=attack.citation,
        access=attack.access,
        cost=attack.cost,
        verdict=judgment.verdict,
        criterion=judgment.criterion,
        images=count,
        victims=attacked.count,
        public=len(public),
        shape=(int(plain.shape[1]), int(plain.shape[2]), int(plain.shape[3])),
        gallery=len(gallery),
        facts={"keys": keys},
        **figures_of(attacked, control, judgment=judgment),
    )


def pooled(scores: Iterable[Scores]) -> Scores:
    """Return the scores of several groups of victims as those of one, without ranks."""
    each = list(scores)
    return Scores(
        measures={name: np.concatenate([one.measures[name] for one in each]) for name in each[0].measures},
        images=np.concatenate([one.images for one in each]),
    )
