"""What a figure was measured on: enough to judge it, nothing that names a person, a host or a folder."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

__all__ = ["commit", "machine", "versions"]

_PACKAGES = (
    *("pixelveil", "torch", "timm", "transformers", "accelerate"),
    *("numpy", "scipy", "numba", "pillow", "cryptography"),
)

# What runs of this repository write into it.
_MADE = ("audits", "benchmarks/results", "docs", "experiments/results")


def machine() -> Mapping[str, str | int | float]:
    """Return processor, cores, memory and, if there is one, graphics processor."""
    facts: dict[str, str | int | float] = {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
    }
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        facts["memory_gigabytes"] = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)
    try:
        import torch
    except ImportError:
        return facts
    facts["torch_threads"] = torch.get_num_threads()
    if torch.cuda.is_available():
        facts["graphics_processor"] = torch.cuda.get_device_name(0)
    return facts


def versions() -> Mapping[str, str]:
    """Return the versions of Python and of the packages that the figures depend on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Return the commit of the repository that this package lies in, or nothing if it is an installed copy.

    It ends in "-dirty" where tracked files are not as committed; results and the pages made of them decide no figure.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists() or not (root / "src" / "pixelveil").is_dir():
        return ""
    try:
        name = _git(root, "rev-parse", "--short=12", "HEAD")
        name.check_returncode()
        changed = _git(root, "diff", "--quiet", "HEAD", "--", ".", *(f":(exclude){made}" for made in _MADE))
    except (OSError, subprocess.SubprocessError):
        return ""
    return name.stdout.strip() + ("-dirty" if changed.returncode else "")


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=10, check=False)


def _processor() -> str:
    """Return the processor's name as Linux tells it, else what Python knows."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
