"""Tiny attacks and dark little pictures: folding reads them exactly, so that every verdict is known beforehand."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from pixelveil.attacks.attack import Attack, Reconstruction
from pixelveil.attacks.intervals import Interval
from pixelveil.audit.cell import Cell
from pixelveil.audit.images import ReadImages, divide
from pixelveil.audit.positive import Positive
from pixelveil.errors import UsageError
from pixelveil.schemes import create_scheme

SIDE = 16


class Fake(Attack):
    name: ClassVar[str] = "fake"
    title: ClassVar[str] = "A fake attack"
    citation: ClassVar[str] = "these tests"
    access: ClassVar[str] = "ciphertexts"
    cost: ClassVar[str] = "nothing"
    only: ClassVar[tuple[str, ...]] = ("skk", "smkk")

    def obstacle(self, scheme):
        return "" if scheme.name in self.only else "it knows pixel-based schemes alone"

    def victims(self, evidence):
        return np.asarray(evidence.ciphertexts[: evidence.victims])


@dataclass(frozen=True, kw_only=True)
class Folding(Fake):
    name: ClassVar[str] = "folding"

    def run(self, evidence, *, budget=None, advance=None):
        seen = self.victims(evidence)
        return Reconstruction(images=np.minimum(seen, 255 - seen))


@dataclass(frozen=True, kw_only=True)
class Constant(Fake):
    name: ClassVar[str] = "constant"
    access: ClassVar[str] = "public images"

    def run(self, evidence, *, budget=None, advance=None):
        assert evidence.public is not None
        return Reconstruction(images=np.full_like(self.victims(evidence), 128))


@dataclass(frozen=True, kw_only=True)
class Growing(Folding):
    name: ClassVar[str] = "growing"
    grows: ClassVar[bool] = True
    minimum: ClassVar[int] = 2

    def run(self, evidence, *, budget=None, advance=None):
        self.check(evidence)
        if len(evidence.ciphertexts) < 20:
            return Reconstruction(images=np.full_like(self.victims(evidence), 128))
        return super().run(evidence)


@dataclass(frozen=True, kw_only=True)
class Endless(Fake):
    name: ClassVar[str] = "endless"

    def run(self, evidence, *, budget=None, advance=None):
        while True:
            sum(range(1000))


@dataclass(frozen=True, kw_only=True)
class Stumbling(Fake):
    name: ClassVar[str] = "stumbling"

    def run(self, evidence, *, budget=None, advance=None):
        raise UsageError("these images are not to its taste")


@dataclass(frozen=True, kw_only=True)
class OnlyLe(Fake):
    name: ClassVar[str] = "only-le"
    only: ClassVar[tuple[str, ...]] = ("tanaka-le",)


def dark_pictures(count, *, seed=0, side=SIDE):
    """Smooth dark pictures, all different: values up to 120."""
    generator = np.random.default_rng(seed)
    small = generator.integers(0, 121, (count, side // 2, side // 2, 3), dtype=np.uint8)
    return small.repeat(2, axis=1).repeat(2, axis=2)


FOLDING = Positive(scheme="skk", parameters={"shuffle": "none"}, least=0.9)
POSITIVES = {
    "folding": FOLDING,
    "growing": FOLDING,
    "constant": Positive(scheme="skk", least=-1.0),
    "endless": FOLDING,
    "stumbling": FOLDING,
}


def cell(**changes):
    """A cell with figures, as an attack that found nothing leaves it."""
    floor = Interval(0.02, 0.01, 0.03)
    facts = {
        "scheme": "skk",
        "parameters": {"key_policy": "shared"},
        "key_policy": "shared",
        "attack": "some",
        "kind": "attack",
        "title": "An attack",
        "citation": "nobody",
        "access": "ciphertexts",
        "cost": "nothing",
        "verdict": "NO LEAK FOUND",
        "criterion": "no measure exceeds its control by more than the rules allow",
        "images": 300,
        "victims": 100,
        "shape": (16, 16, 3),
        "ssim": floor,
        "ssim_control": floor,
        "edge_correlation": floor,
        "edge_correlation_control": floor,
        "information": floor,
        "information_control": floor,
        "psnr": Interval(8.0, 7.0, 9.0),
        "psnr_control": Interval(8.0, 7.0, 9.0),
        "reidentification": Interval(0.0, 0.0, 0.01),
        "reidentification_control": Interval(0.0, 0.0, 0.01),
        "gallery": 1000,
        "controls": {"positive": {"passed": True}, "negative": {"passed": True}},
    }
    return Cell(**{**facts, **changes})


@pytest.fixture(scope="session")
def fakes():
    return SimpleNamespace(
        Folding=Folding,
        Constant=Constant,
        Growing=Growing,
        Endless=Endless,
        Stumbling=Stumbling,
        OnlyLe=OnlyLe,
        positives=POSITIVES,
        pictures=dark_pictures,
        cell=cell,
    )


@pytest.fixture(scope="session")
def images():
    return divide(ReadImages(images=list(dark_pictures(240))), victims=60)


@pytest.fixture(scope="session")
def scheme():
    return create_scheme("skk", shuffle="none", key_policy="shared")
