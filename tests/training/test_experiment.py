import tomllib
from pathlib import Path

import pytest

from pixelveil.errors import UsageError
from pixelveil.schemes.published import PUBLISHED
from pixelveil.training.experiment import Cell, find_experiment, load_experiment

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = sorted((ROOT / "experiments").glob("*.toml"))
DEFAULTS = '[defaults]\ndataset = "cifar10"\nnetwork = "resnet20"\n'


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("quick", [False, True])
def test_every_experiment_can_be_read(path, quick):
    experiment = load_experiment(path, quick=quick)
    assert experiment.title
    assert experiment.note
    assert experiment.cells
    longest = max(len(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert longest <= 120


@pytest.mark.skipif(not EXPERIMENTS, reason="experiments come with a checkout")
def test_published_figures_are_those_that_the_package_knows():
    printed = {(row.encrypted, row.source) for rows in PUBLISHED.values() for row in rows}
    printed |= {(row.plain, row.source) for rows in PUBLISHED.values() for row in rows}
    report = "Kiya, SCAT research report (2023), Table 1"
    printed |= {(figure, report) for figure, source in printed if source.startswith("Kiya")}
    for path in EXPERIMENTS:
        for cell in load_experiment(path).cells:
            if cell.published_accuracy is not None:
                assert (cell.published_accuracy, cell.source) in printed, f"{path.stem}: {cell.name}"


@pytest.mark.skipif(not EXPERIMENTS, reason="experiments come with a checkout")
def test_the_experiments_of_the_plan_are_there():
    wanted = {"cifar10-resnet20", "cifar10-vit", "cifar10-resnet18", "scenario1-vit-convmixer", "brain-mri", "pcos"}
    assert wanted | {"classical", "animal-faces"} <= {path.stem for path in EXPERIMENTS}
    schemes = {cell.scheme for cell in load_experiment(find_experiment("cifar10-resnet20")).cells}
    assert {"tanaka-le", "smkk", "skk", "madono-ele", "etc-color", "huang", "skk-g", "gan-transform"} <= schemes
    for name in ("brain-mri", "pcos"):
        splits = [cell.split for cell in load_experiment(find_experiment(name)).cells]
        assert {*splits} == {"clean", "published"}
        assert splits[0] == "clean"


def test_defaults_cells_and_quick_are_put_together(tmp_path):
    text = DEFAULTS + "epochs = 9\n[defaults.recipe]\nbatch_size = 8\nlearning_rate = 1e-3\n"
    text += "[quick]\nepochs = 1\n[quick.recipe]\nbatch_size = 4\n"
    text += '[[cell]]\nname = "a"\n[cell.recipe]\nlearning_rate = 0.1\n[[cell]]\nname = "b"\nquick = false\n'
    path = written(tmp_path, text)
    full, quick = load_experiment(path), load_experiment(path, quick=True)
    assert [cell.name for cell in full.cells] == ["a", "b"]
    assert [cell.name for cell in quick.cells] == ["a"]
    assert full.cells[0].train_settings().learning_rate == 0.1
    assert (full.cells[0].epochs, full.cells[0].train_settings().batch_size) == (9, 8)
    assert (quick.cells[0].epochs, quick.cells[0].train_settings().batch_size) == (1, 4)
    assert full.select(("b",))[0].name == "b"
    with pytest.raises(UsageError, match="no cell 'c'"):
        full.select(("c",))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no cells"),
        ("x = ", "cannot be read"),
        ("colour = 1\n[[cell]]\n", "'colour'"),
        ('[[cell]]\nname = "a"\n', "lacks dataset"),
        (DEFAULTS + '[[cell]]\nname = "a"\nepoch = 3\n', "'epoch'"),
        (DEFAULTS + '[[cell]]\nname = "a"\nepochs = "3"\n', "epochs is int"),
        (DEFAULTS + '[[cell]]\nname = "a"\nepochs = 0\n', "at least 1"),
        (DEFAULTS + '[[cell]]\nname = "a/b"\n', "names are"),
        (DEFAULTS + '[[cell]]\nname = "a"\n[[cell]]\nname = "a"\n', "one name"),
        (DEFAULTS + '[[cell]]\nname = "a"\nscheme = "rot13"\n', "rot13"),
        (DEFAULTS + '[[cell]]\nname = "a"\nscheme = "skk"\nparameters = { blocks = 2 }\n', "blocks"),
        (DEFAULTS + '[[cell]]\nname = "a"\nkey_policy = "shared"\n', "nothing is encrypted"),
        (DEFAULTS + '[[cell]]\nname = "a"\nkind = "encrypted model"\n', "nothing is encrypted"),
        (DEFAULTS + '[[cell]]\nname = "a"\nadaptation = "magic"\n', "magic"),
        (DEFAULTS + '[[cell]]\nname = "a"\nkind = "classical"\n', "no learner"),
        (DEFAULTS + '[[cell]]\nname = "a"\npublished_accuracy = 90\n', "source"),
        (DEFAULTS + '[[cell]]\nname = "a"\npublished_accuracy = 0.9\nsource = "x"\nsplit = "random"\n', "random"),
        (DEFAULTS + '[[cell]]\nname = "a"\n[cell.recipe]\ndepth = 3\n', "depth"),
        (DEFAULTS + '[[cell]]\nname = "a"\n[cell.recipe]\nbatch_size = "8"\n', "wrong type"),
        (DEFAULTS.replace("cifar10", "mnist") + '[[cell]]\nname = "a"\n', "mnist"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_runs(tmp_path, text, what):
    with pytest.raises(UsageError, match=what):
        load_experiment(written(tmp_path, text))


def test_only_what_decides_a_figure_is_in_its_digest():
    cell = Cell(name="a", dataset="cifar10", network="resnet20")
    words = Cell(name="a", dataset="cifar10", network="resnet20", published_accuracy=90.0, source="x", reason="y")
    assert cell.digest == words.digest
    assert cell.digest != Cell(name="a", dataset="cifar10", network="resnet20", seed=1).digest


def test_an_experiment_is_found_by_name_or_path(tmp_path, monkeypatch):
    path = written(tmp_path, DEFAULTS + '[[cell]]\nname = "a"\n')
    assert find_experiment(str(path)) == path
    with pytest.raises(UsageError, match="no such file"):
        find_experiment(str(tmp_path / "other.toml"))
    with pytest.raises(UsageError, match="no experiment 'nothing'"):
        find_experiment("nothing")
    (tmp_path / "experiments").mkdir()
    path.rename(tmp_path / "experiments" / "mine.toml")
    monkeypatch.chdir(tmp_path)
    assert find_experiment("mine").resolve() == tmp_path / "experiments" / "mine.toml"


@pytest.mark.skipif(not EXPERIMENTS, reason="experiments come with a checkout")
def test_every_experiment_is_in_the_wheel():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    given = build["wheel"]["force-include"]
    assert given == {f"experiments/{path.name}": f"pixelveil/experiments/{path.name}" for path in EXPERIMENTS}
