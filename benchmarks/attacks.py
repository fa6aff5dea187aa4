"""Measure attacks beside the design study's figures.

``python -m benchmarks.attacks statistics --data cifar10.npz`` writes ``benchmarks/results/attacks-statistics.json``;
without CIFAR-10 its rows are left out. Every row has the control (AES-CTR noise in place of the plain images, same
scheme, same choice of readings) and, where the design study has the figure, "study".
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import (
    attack_claims,
    attack_defenses,
    attack_games,
    attack_jigsaw,
    attack_lifetime,
    attack_models,
    attack_pairs_topic,
    attack_pixels_topic,
    attack_statistics_topic,
)
from pixelveil.atomic import write_atomic
from pixelveil.machine import commit, machine, versions

TOPICS: dict[str, Callable[[Path | None], dict[str, Any]]] = {
    "claims": attack_claims.run,
    "defenses": attack_defenses.run,
    "games": attack_games.run,
    "jigsaw": attack_jigsaw.run,
    "lifetime": attack_lifetime.run,
    "models": attack_models.run,
    "pairs": attack_pairs_topic.run,
    "pixels": attack_pixels_topic.run,
    "statistics": attack_statistics_topic.run,
}
RESULTS = Path(__file__).resolve().parent / "results"


def main() -> None:
    """Run the named topics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("topics", nargs="+", choices=list(TOPICS))
    parser.add_argument("--data", type=Path, help="an .npz file of CIFAR-10 with x_train and x_test")
    parser.add_argument("--pcos", type=Path, help="claims: a CSV of the PCOS set's files with file, class, source")
    asked = parser.parse_args()
    for topic in asked.topics:
        start = time.perf_counter()
        run = partial(attack_claims.run, pcos=asked.pcos) if topic == "claims" else TOPICS[topic]
        results = run(asked.data)
        record = {
            "suite": f"attacks-{topic}",
            "date": datetime.now(UTC).date().isoformat(),
            "commit": commit(),
            "machine": machine(),
            "versions": versions(),
            "seconds": round(time.perf_counter() - start, 1),
            "results": results,
        }
        text = json.dumps(record, indent=1)
        write_atomic(RESULTS / f"attacks-{topic}.json", (text + "\n").encode())
        print(text)


if __name__ == "__main__":
    main()
