"""A cell of the grid: what one attack found on one scheme, as it stands in a JSON file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from pixelveil.atomic import write_atomic
from pixelveil.attacks.attack import Access
from pixelveil.attacks.intervals import Interval
from pixelveil.attacks.verdict import Verdict
from pixelveil.errors import IntegrityError

__all__ = ["Cell", "Kind", "cell_from_json", "finished_cell", "write_cell"]

Kind = Literal["attack", "game", "lifetime"]

_MEASURES = ("ssim", "edge_correlation", "information", "psnr", "reidentification", "success")
_OPTIONAL = ("lpips", "recognition")  # not in cells of every audit


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What one attack found on one scheme, with everything that is needed to judge and to repeat it.

    Args:
        scheme: Name.
        parameters: Of the scheme.
        key_policy: Of the scheme.
        attack: Name.
        kind: "attack", "game", or "lifetime" (one point of a curve over the number of images under one key).
        title: Of the attack.
        citation: Of the attack.
        access: What the attacker needs beside ciphertexts.
        cost: Of the attack, in words.
        verdict: One of the six.
        criterion: The rule that decided, or the obstacle where the attack does not apply.
        failed: Why it came to no end; empty where it did.
        images: Ciphertexts under one key.
        victims: Of them, those that were to be read; over all repeats.
        public: Public images that the attacker had.
        pairs: Known pairs that the attacker had.
        shape: (H, W, C) of the plain images.
        ssim: Mean over the victims with its interval; all figures are None where nothing ran or a game has none.
        ssim_control: The same of the same attack on AES-CTR noise.
        edge_correlation: Likewise.
        edge_correlation_control: Likewise.
        information: Bits a value.
        information_control: Likewise.
        psnr: Decibels, each victim's at most 100.
        psnr_control: Likewise.
        reidentification: Share of victims recognized among the gallery.
        reidentification_control: Likewise.
        gallery: Images in the gallery; chance is one in so many.
        lpips: Perceptual distance, where its weights are given; lower is more alike.
        lpips_control: Likewise.
        recognition: Share of victims in which a classifier of plain images sees what it sees in the original, where one
            is given.
        recognition_control: Likewise.
        success: Of a game, the share of right answers.
        success_control: The same on AES-CTR noise.
        chance: Of a game, the share of right answers without any information.
        excess: Over the control, by measure, with intervals that hold together.
        controls: "positive" and "negative", each with "passed" and what it rests on.
        facts: What the attack says about itself.
        seconds: That it took, controls included.
        seconds_allowed: That it was given.
        machine: What it ran on.
        commit: Of the package's repository, where there is one.
        versions: Of Python and packages.
        command: That made it.
        digest: SHA-256 over everything that decides the outcome, but the keys, which are random.
    """

    scheme: str
    parameters: Mapping[str, Any]
    key_policy: str
    attack: str
    kind: Kind
    title: str
    citation: str
    access: Access
    cost: str
    verdict: Verdict
    criterion: str
    failed: str = ""
    images: int = 0
    victims: int = 0
    public: int = 0
    pairs: int = 0
    shape: tuple[int, int, int]
    ssim: Interval | None = None
    ssim_control: Interval | None = None
    edge_correlation: Interval | None = None
    edge_correlation_control: Interval | None = None
    information: Interval | None = None
    information_control: Interval | None = None
    psnr: Interval | None = None
    psnr_control: Interval | None = None
    reidentification: Interval | None = None
    reidentification_control: Interval | None = None
    gallery: int = 0
    lpips: Interval | None = None
    lpips_control: Interval | None = None
    recognition: Interval | None = None
    recognition_control: Interval | None = None
    success: Interval | None = None
    success_control: Interval | None = None
    chance: float = 0.0
    excess: Mapping[str, Interval] = field(default_factory=dict)
    controls: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    seconds_allowed: float = 0.0
    machine: Mapping[str, Any] = field(default_factory=dict)
    commit: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Name of its file, without the suffix: the attack, and at a point of a curve the number of images."""
        return f"{self.attack}@{self.images}" if self.kind == "lifetime" else self.attack

    @property
    def applicable(self) -> bool:
        """Whether the attack can say anything about the scheme."""
        return self.verdict != "NOT APPLICABLE"

    @property
    def conclusive(self) -> bool:
        """Whether it says something."""
        return self.verdict not in ("NOT APPLICABLE", "INCONCLUSIVE")

    @property
    def judged(self) -> bool:
        """Whether a network looked at the reconstructions: LPIPS, or a classifier."""
        return self.lpips is not None or self.recognition is not None

    def figure(self, measure: str) -> Interval | None:
        """Return a figure by the name of its field."""
        found: Interval | None = getattr(self, measure)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; ends of intervals that are not finite become null."""
        result: dict[str, Any] = _finite(asdict(self))
        return result


def cell_from_json(content: Any, *, source: str) -> Cell:
    """Return the cell that `Cell.to_json` made.

    Args:
        content: JSON values.
        source: Where they come from, for the message.

    Raises:
        IntegrityError: They are no cell.
    """
    try:
        values = dict(content)
        for name in (*_MEASURES, *(f"{measure}_control" for measure in _MEASURES)):
            values[name] = _interval(values[name])
        for name in (*_OPTIONAL, *(f"{measure}_control" for measure in _OPTIONAL)):
            values[name] = _interval(values.get(name))
        values["excess"] = {name: _interval(one) for name, one in values["excess"].items()}
        height, width, channels = values["shape"]
        values["shape"] = (int(height), int(width), int(channels))
        if values["verdict"] not in get_args(Verdict) or values["kind"] not in get_args(Kind):
            raise ValueError("no such verdict or kind")
        if values["access"] not in get_args(Access):
            raise ValueError("no such access")
        unknown = set(values) - {one.name for one in fields(Cell)}
        if unknown:
            raise ValueError(f"unknown fields {sorted(unknown)}")
        return Cell(**values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(f"{source}: holds no cell of this version", hint="run the audit again") from error


def write_cell(folder: Path, cell: Cell) -> None:
    """Write a cell to its own file, all of it or nothing.

    Args:
        folder: Must exist.
        cell: What was found.
    """
    content = json.dumps(cell.to_json(), indent=2, allow_nan=False) + "\n"
    write_atomic(folder / f"{cell.name}.json", content.encode())


def finished_cell(folder: Path, name: str, *, digest: str) -> Cell | None:
    """Return a cell of an earlier run that still holds; None where there is none, it failed, or its control did.

    A positive control that failed may have had too little time; finished cells leave more of it to the next run.

    Args:
        folder: Of the cells.
        name: Of the cell.
        digest: That it must have.
    """
    path = folder / f"{name}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("digest") != digest or content.get("failed"):
        return None
    cell = cell_from_json(content, source=str(path))
    return None if cell.applicable and cell.controls.get("positive", {}).get("passed") is False else cell


def _interval(value: Any) -> Interval | None:
    if value is None:
        return None
    low, high = value["low"], value["high"]
    return Interval(
        float(value["value"]), -math.inf if low is None else float(low), math.inf if high is None else float(high)
    )


def _finite(value: Any) -> Any:
    """Return JSON values without infinities."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
