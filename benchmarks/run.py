"""Run the benchmarks and write their results: ``python -m benchmarks.run [SUITE ...]``."""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import folders, kernels, keystream, models, schemes, training
from pixelveil.atomic import write_atomic
from pixelveil.machine import commit, machine, versions

SUITES = {
    "kernels": kernels.run,
    "keystream": keystream.run,
    "schemes": schemes.run,
    "folders": folders.run,
    "models": models.run,
    "per-position": models.run_per_position,
    "training": training.run,
}
RESULTS = Path(__file__).resolve().parent / "results"


def main() -> None:
    """Run the named suites, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", help=f"any of {', '.join(SUITES)}; all by default")
    names = parser.parse_args().suites or list(SUITES)
    unknown = set(names) - set(SUITES)
    if unknown:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    RESULTS.mkdir(exist_ok=True)
    for name in names:
        start = time.perf_counter()
        results = SUITES[name]()
        record = {
            "suite": name,
            "date": datetime.now(UTC).date().isoformat(),
            "commit": commit(),
            "machine": machine(),
            "versions": versions(),
            "seconds": round(time.perf_counter() - start, 1),
            "results": results,
        }
        text = json.dumps(record, indent=2)
        write_atomic(RESULTS / f"{name}.json", (text + "\n").encode())
        print(text)


if __name__ == "__main__":
    main()
