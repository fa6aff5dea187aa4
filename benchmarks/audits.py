"""Audit every scheme of the catalogue on one set of images; the reports are committed.

``python -m benchmarks.audits cifar10 --data cifar10.npz`` writes ``audits/cifar10/CASE/report.{html,json}``, without
pictures, because the images are not ours to publish. It goes on where it was stopped: cells are kept in ``--work``.
Schemes that need an asset get one fitted on ``--others``, class folders of images that are not audited.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.audit_cases import CASES
from pixelveil.schemes import SCHEMES

AUDITS = Path(__file__).resolve().parents[1] / "audits"
BLOCKS = {32: 4, 64: 8}


def main() -> None:
    """Audit all cases, some at a time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the set of images, such as cifar10")
    parser.add_argument("--data", type=Path, required=True, help="class folders, or an .npz file")
    parser.add_argument("--others", type=Path, help="class folders on which assets are fitted")
    parser.add_argument("--work", type=Path, required=True, help="folder for cells and assets; kept for a next run")
    parser.add_argument("--size", type=int, choices=sorted(BLOCKS), default=32, help="side of the images")
    parser.add_argument("--cases", default="", help="names with commas between them; all if not given")
    parser.add_argument("--budget", default="5m", help="time for the attacks of each case")
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time, one thread each")
    parser.add_argument("--lifetime", action="store_true", help="with curves where a key is shared")
    parser.add_argument("--attacks", default="", help="names of attacks; all if not given")
    asked = parser.parse_args()
    names = asked.cases.split(",") if asked.cases else list(CASES)
    with ThreadPoolExecutor(asked.jobs) as pool:
        for name, seconds, grade in pool.map(lambda name: _audit(name, asked), names):
            print(f"{name}: {grade}, {seconds:.0f} s", flush=True)
    # At the end: reports are committed, and an audit says whether its tree is that of the commit.
    for name in names:
        _keep(name, asked)


def _audit(name: str, asked: argparse.Namespace) -> tuple[str, float, str]:
    """Audit one case."""
    started = time.monotonic()
    case, folder = CASES[name], asked.work / asked.name / name
    options = case.options(block_size=BLOCKS[asked.size])
    command = ["audit", "--scheme", case.scheme, *options, "--data", str(asked.data), "--out", str(folder)]
    command += [
        "--budget",
        asked.budget,
        "--no-pictures",
        "--json",
        "--controls",
        str(asked.work / asked.name / "controls"),
    ]
    if asked.data.is_dir():
        command += ["--size", str(asked.size)]
    if asked.attacks:
        command += ["--attacks", asked.attacks]
    if asked.lifetime and case.key_policy == "shared":
        command += ["--lifetime"]
    try:
        if SCHEMES[case.scheme].needs_asset:
            command += ["--asset", str(_asset(name, asked))]
        grade = json.loads(_run(command))["grade"]
    except subprocess.CalledProcessError as error:
        return name, time.monotonic() - started, f"failed: {error.stderr.strip()[-500:]}"
    return name, time.monotonic() - started, grade


def _keep(name: str, asked: argparse.Namespace) -> None:
    """Put the report of a case, if there is one, where it is committed."""
    kept = AUDITS / asked.name / name
    for file in ("report.html", "report.json"):
        if (found := asked.work / asked.name / name / file).exists():
            kept.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found, kept / file)


def _asset(name: str, asked: argparse.Namespace) -> Path:
    """Fit the asset of a case, unless that was done."""
    case, path = CASES[name], asked.work / asked.name / f"{name}.safetensors"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        command = ["schemes", "fit", case.scheme, "--data", str(asked.others), "--size", str(asked.size)]
        _run([*command, *case.options(block_size=BLOCKS[asked.size]), *case.fit, "--out", str(path)])
    return path


def _run(words: list[str]) -> str:
    """Run a command of pixelveil on one thread and return what it prints."""
    environment: dict[str, Any] = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pixelveil", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
