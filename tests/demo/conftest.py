"""One tiny run of the whole demo, on a few digits, for all tests that look at its result."""

from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from pixelveil.demo import job
from pixelveil.demo.job import Recipe, run_demo
from pixelveil.demo.result import DemoResult
from pixelveil.training.loop import TrainSettings

TINY = Recipe(
    image_size=16,
    options={"patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2},
    settings=TrainSettings(epochs=1, batch_size=32, learning_rate=3e-3),
    seconds=1.0,
)


@dataclass
class Run:
    out: object
    result: DemoResult
    stages: list = field(default_factory=list)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "new" / "out"
    stages = []

    @contextmanager
    def stage(name):
        steps = []
        stages.append((name, steps))
        yield lambda done, total: steps.append((done, total))

    patch = pytest.MonkeyPatch()
    speed = job.measure_scheme.__globals__["encryption_speed"]
    patch.setitem(
        job.measure_scheme.__globals__,
        "encryption_speed",
        lambda scheme, *, photographs: speed(scheme, photographs=photographs, images=4),
    )
    try:
        result = run_demo(out=out, scheme="vit-orthogonal", recipe=TINY, stage=stage)
    finally:
        patch.undo()
    return Run(out=out, result=result, stages=stages)
