"""An experiment: a list of cells of a published table, read from a TOML file and checked before anything runs."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pixelveil.data.sets import data_set
from pixelveil.data.sets.load import SPLITS
from pixelveil.errors import UsageError
from pixelveil.models.adaptation.catalogue import ADAPTATIONS
from pixelveil.schemes import Scheme, create_scheme
from pixelveil.training.experiment_classical import LEARNERS
from pixelveil.training.loop import TrainSettings

__all__ = ["KINDS", "Cell", "Experiment", "find_experiment", "load_experiment"]

KINDS = ("network", "encrypted model", "classical", "learned")
_CHOICES: dict[str, tuple[str, ...]] = {
    "kind": KINDS,
    "split": SPLITS,
    "encrypt": ("once", "every epoch"),
    "augment": ("auto", "none"),
    "adaptation": ("auto", *ADAPTATIONS),
}
# What a cell says itself, outside its recipe.
_OWN = {"epochs", "seed", "augmentation"}
# What changes no figure.
_WORDS = ("published_accuracy", "source", "reason", "quick")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One figure of a table: what is trained on what.

    Args:
        name: Its own within the experiment; names its files.
        dataset: One of `DATA_SETS`.
        split: "clean" (nothing shared between train and test) or "published".
        image_size: Side in pixels, for class folders; 0: as the data set has it.
        kind: "network" (trained on encrypted images), "encrypted model" (trained on plain images, then encrypted),
            "classical" (a learner of scikit-learn), "learned" (a transformation that is trained for its classifier).
        network: Backbone, or learner.
        network_options: Further arguments of its constructor.
        weights: Name of a file of public weights that the network begins with; empty: it begins with random ones.
        adaptation: Network before it; "auto": what the scheme needs.
        scheme: Scheme; empty: plain images.
        key_policy: Of the scheme; empty: the published one.
        parameters: Other parameters of the scheme; of a learned one, of its recipe.
        encrypt: "once", then augmented as the scheme permits; or "every epoch", augmented before.
        augment: "auto" or "none".
        epochs: Passes over the training images.
        seed: Decides everything that is random.
        recipe: Further fields of `TrainSettings`, or of a learner.
        validation: Share of the training images that chooses the best epoch.
        train_images: Most training images; 0: all.
        test_images: Most test images; 0: all.
        published_accuracy: In percent; None where none was printed.
        source: Where it was printed.
        reason: Why the figure falls short or cannot be compared, or empty.
        quick: Whether a quick run has it.
    """

    name: str
    dataset: str
    network: str
    split: str = "clean"
    image_size: int = 0
    kind: str = "network"
    network_options: Mapping[str, Any] = field(default_factory=dict)
    weights: str = ""
    adaptation: str = "auto"
    scheme: str = ""
    key_policy: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    encrypt: str = "once"
    augment: str = "auto"
    epochs: int = 20
    seed: int = 0
    recipe: Mapping[str, Any] = field(default_factory=dict)
    validation: float = 0.1
    train_images: int = 0
    test_images: int = 0
    published_accuracy: float | None = None
    source: str = ""
    reason: str = ""
    quick: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be run.

        Raises:
            UsageError: A value is unknown, of another type or out of its range.
        """
        if not self.name or not self.name.replace("-", "").replace("_", "").isalnum():
            raise UsageError(f"cell {self.name!r}: names are letters, digits, - and _")
        try:
            self._check()
        except UsageError as error:
            raise UsageError(f"cell {self.name!r}: {error.message}", hint=error.hint) from error

    def _check(self) -> None:
        data_set(self.dataset)
        for label, choices in _CHOICES.items():
            if getattr(self, label) not in choices:
                raise UsageError(f"{label} {getattr(self, label)!r} is none of {', '.join(choices)}")
        if min(self.train_images, self.test_images, self.image_size, self.seed) < 0 or not 0 < self.validation < 1:
            raise UsageError("numbers of images, sizes and seeds are not negative, the validation's share is below 1")
        if self.published_accuracy is not None and (not 0 <= self.published_accuracy <= 100 or not self.source):
            raise UsageError("a published accuracy is in percent and has a source")
        if not self.scheme and (self.parameters or self.key_policy or self.kind in ("encrypted model", "learned")):
            raise UsageError("without a scheme nothing is encrypted", hint="name a scheme")
        if self.kind == "classical" and self.network not in LEARNERS:
            raise UsageError(f"there is no learner {self.network!r}", hint=f"one of: {', '.join(LEARNERS)}")
        if self.weights and (self.kind == "classical" or Path(self.weights).name != self.weights):
            raise UsageError(f"weights {self.weights!r} are no name of a file that a network begins with")
        if self.kind != "learned":
            self.make_scheme()
        if self.kind != "classical":
            self.train_settings()
        elif self.epochs < 1:
            raise UsageError("epochs must be at least 1")

    def make_scheme(self) -> Scheme | None:
        """Return the scheme, without its asset; None for plain images.

        Raises:
            UsageError: It or a parameter does not exist.
        """
        if not self.scheme:
            return None
        policy = {"key_policy": self.key_policy} if self.key_policy else {}
        return create_scheme(self.scheme, **self.parameters, **policy)

    def train_settings(self) -> TrainSettings:
        """Return how a network is trained, but for its augmentation.

        Raises:
            UsageError: The recipe has something that there is not.
        """
        known = {one.name for one in fields(TrainSettings)} - _OWN
        for label in self.recipe:
            if label not in known:
                raise UsageError(f"a recipe has no {label!r}", hint=f"it has: {', '.join(sorted(known))}")
        values: dict[str, Any] = {
            label: tuple(value) if isinstance(value, list) else value for label, value in self.recipe.items()
        }
        try:
            return TrainSettings(epochs=self.epochs, seed=self.seed, **values)
        except TypeError as error:
            raise UsageError(f"the recipe has a value of the wrong type ({error})") from error

    @property
    def facts(self) -> dict[str, Any]:
        """All that decides the figure, as JSON values."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return {name: value for name, value in found.items() if name not in _WORDS}

    @property
    def digest(self) -> str:
        """Short name of `facts`: runs of other settings go to other folders."""
        return hashlib.sha256(json.dumps(self.facts, sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A table.

    Args:
        name: Of its file.
        title: Above the table.
        note: What a reader must know.
        cells: Its rows.
        quick: Whether sizes and epochs are those of a quick run.
    """

    name: str
    title: str
    note: str
    cells: tuple[Cell, ...]
    quick: bool = False

    def select(self, names: tuple[str, ...]) -> tuple[Cell, ...]:
        """Return some cells, all for no names.

        Raises:
            UsageError: There is no such cell.
        """
        known = {cell.name: cell for cell in self.cells}
        for name in names:
            if name not in known:
                raise UsageError(f"{self.name} has no cell {name!r}", hint=f"it has: {', '.join(known)}")
        return tuple(known[name] for name in names) or self.cells


def find_experiment(name: str) -> Path:
    """Return the file of an experiment: the path itself, or one of its name in ./experiments or in the package.

    Raises:
        UsageError: There is none.
    """
    if name.endswith(".toml"):
        path = Path(name)
        if path.is_file():
            return path
        raise UsageError(f"{name}: no such file")
    package = Path(__file__).resolve().parents[1]
    places = (Path("experiments"), package / "experiments", package.parents[1] / "experiments")  # one's own go first
    folders = [folder for folder in places if folder.is_dir()]
    for folder in folders:
        if (folder / f"{name}.toml").is_file():
            return folder / f"{name}.toml"
    known = sorted({path.stem for folder in folders for path in folder.glob("*.toml")})
    hint = f"there are: {', '.join(known)}" if known else "give the path of a TOML file"
    raise UsageError(f"there is no experiment {name!r}", hint=hint)


def load_experiment(path: Path, *, quick: bool = False) -> Experiment:
    """Read an experiment.

    A file has ``title`` and ``note``, a table ``defaults`` of fields of `Cell`, a table ``quick`` of those that a quick
    run overrides, and tables ``cell``. Recipes are put together entry by entry.

    Args:
        path: The TOML file.
        quick: Take the sizes and epochs of a quick run, and leave out cells that have none.

    Raises:
        UsageError: The file cannot be read, or something in it is not what it should be.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    foreign = sorted(content.keys() - {"title", "note", "defaults", "quick", "cell"})
    if foreign or not isinstance(content.get("cell"), list) or not content["cell"]:
        what = f"has {foreign[0]!r} besides" if foreign else "has no cells"
        raise UsageError(f"{path}: {what}", hint="title, note, [defaults], [quick] and [[cell]]")
    defaults = content.get("defaults", {})
    changes = content.get("quick", {}) if quick else {}
    try:
        cells = tuple(_cell(defaults, one, changes) for one in content["cell"])
        names = [cell.name for cell in cells]
        if len(set(names)) < len(names):
            raise UsageError("two cells have one name")
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", hint=error.hint) from error
    return Experiment(
        name=path.stem,
        title=str(content.get("title", path.stem)),
        note=str(content.get("note", "")),
        cells=tuple(cell for cell in cells if cell.quick or not quick),
        quick=quick,
    )


def _cell(defaults: Any, own: Any, changes: Any) -> Cell:
    """Return a cell of defaults, what it says itself, and what a quick run changes."""
    values: dict[str, Any] = {}
    for part in (defaults, own, changes):
        if not isinstance(part, dict):
            raise UsageError("defaults, quick and cells are tables")
        recipe = {**values.get("recipe", {}), **part.get("recipe", {})}
        values |= part | ({"recipe": recipe} if recipe else {})
    name = values.get("name", "without a name")
    types = {one.name: one.type for one in fields(Cell)}
    for label, value in values.items():
        if label not in types:
            raise UsageError(f"cell {name!r}: there is no {label!r}", hint=f"there are: {', '.join(types)}")
        if not _fits(value, str(types[label])):
            raise UsageError(f"cell {name!r}: {label} is {types[label]}, not {value!r}")
    missing = [label for label in ("name", "dataset", "network") if label not in values]
    if missing:
        raise UsageError(f"cell {name!r}: lacks {missing[0]}")
    cell = Cell(**values)
    if cell.published_accuracy is not None:
        cell = replace(cell, published_accuracy=float(cell.published_accuracy))
    return cell


def _fits(value: Any, kind: str) -> bool:
    """Tell whether a TOML value is of a field's type."""
    if kind.startswith("Mapping"):
        return isinstance(value, dict)
    if kind.startswith("float"):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value).__name__ == kind
