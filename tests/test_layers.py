"""The rules of the source tree, read off the source itself."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "pixelveil"
LAYERS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pixelveil"]["layers"]
SOURCES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8"), filename=str(path)) for path in SOURCES}

# Longer than a file may be.
LINES = 400

# Modules without a test file of the same stem, and where they are tested instead.
TESTED_BY = {
    "__main__.py": "tests/test_import.py",
    "attacks/catalogue.py": "tests/attacks/test_attack.py",
    "attacks/measures/batches.py": "tests/attacks/measures/test_structure.py",
    "attacks/ciphertexts/jigsaw_costs.py": "tests/attacks/ciphertexts/test_jigsaw.py",
    "attacks/ciphertexts/jigsaw_kernels.py": "tests/attacks/ciphertexts/test_jigsaw.py",
    "attacks/ciphertexts/jigsaw_pieces.py": "tests/attacks/ciphertexts/test_jigsaw.py",
    "attacks/ciphertexts/jigsaw_solver.py": "tests/attacks/ciphertexts/test_jigsaw.py",
    "attacks/ciphertexts/jigsaw_states.py": "tests/attacks/ciphertexts/test_jigsaw.py",
    "attacks/ciphertexts/pixel_channels.py": "tests/attacks/ciphertexts/test_jigsaw.py",
    "attacks/ciphertexts/pixel_order.py": "tests/attacks/ciphertexts/test_jigsaw.py",
    "attacks/measures/assembly.py": "tests/attacks/ciphertexts/test_jigsaw.py",
    "cli/app.py": "tests/cli/test_model.py",
    "cli/schemes.py": "tests/test_readme.py",
    "data/chunk.py": "tests/data/test_encrypt_folder.py",
    "data/job.py": "tests/data/test_resume.py",
    "data/worker.py": "tests/data/test_encrypt_folder.py",
    "models/families/common.py": "tests/models/test_families.py",
    "models/families/huggingface.py": "tests/models/test_families.py",
    "models/families/inside.py": "tests/models/test_families.py",
    "models/families/timm_models.py": "tests/models/test_families.py",
    "models/families/torchvision_models.py": "tests/models/test_families.py",
    "models/info.py": "tests/models/test_encrypt.py",
    "models/protection.py": "tests/models/test_encrypt.py",
    "models/support_cases.py": "tests/models/test_support_table.py",
}

# Public functions that take any keyword, and why: schemes have parameters of their own; a wrapped module's arguments.
OPEN_ENDED = {"schemes/catalogue.py": {"create_scheme"}, "models/rotary.py": {"forward", "get_embed"}}

# Where every error is caught: the last line of defense, so that no traceback reaches a user.
CATCHES_ALL = {"cli/app.py"}


def layer_of(path):
    """The top-level part of a source file: a folder or a module."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def name_of(path):
    return str(path.relative_to(PACKAGE))


every_source = pytest.mark.parametrize("path", SOURCES, ids=name_of)


def imported(tree):
    """The parts of the package that a module imports, with line numbers; the package itself is ''."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                head, *rest = alias.name.split(".")
                if head == "pixelveil":
                    yield (rest[0] if rest else ""), node.lineno
        elif isinstance(node, ast.ImportFrom):
            head, *rest = (node.module or "").split(".")
            if node.level or head != "pixelveil":
                continue
            for alias in node.names:
                yield (rest[0] if rest else alias.name), node.lineno


def calls(tree):
    """Dotted names of what a module calls, with line numbers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def test_every_part_of_the_package_is_a_layer():
    parts = {layer_of(path) for path in SOURCES} - {"__init__", "__main__"}
    assert parts <= set(LAYERS), f"not in [tool.pixelveil] layers: {sorted(parts - set(LAYERS))}"
    assert len(set(LAYERS)) == len(LAYERS)


@every_source
def test_imports_point_to_earlier_layers(path):
    layer = layer_of(path)
    if layer in ("__init__", "__main__"):
        return
    for target, line in imported(TREES[path]):
        if target == "__version__":
            continue
        assert target in LAYERS, f"{name_of(path)}:{line} imports the whole package"
        assert LAYERS.index(target) <= LAYERS.index(layer), f"{name_of(path)}:{line}: {layer} may not import {target}"


@every_source
def test_imports_are_absolute_and_name_what_they_take(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno} is a relative import"
            assert "*" not in {alias.name for alias in node.names}, f"{name_of(path)}:{node.lineno} is a star import"


# Where PyTorch may be imported at the top of a module: all else must run without it.
TORCH_LAYERS = {"models", "training", "demo", "transforms"}
HEAVY = {
    "torch",
    "torchvision",
    "timm",
    "transformers",
    "accelerate",
    "sklearn",
    "skimage",
    "jinja2",
    "lpips",
    "safetensors",
}


@every_source
def test_the_core_imports_heavy_parts_in_functions_only(path):
    if layer_of(path) in TORCH_LAYERS:
        return
    for node in done_on_import(TREES[path]):
        names = _module_names(node) & HEAVY
        assert not names, f"{name_of(path)}:{node.lineno} imports {sorted(names)} on import"


def done_on_import(tree):
    """All statements but those of functions and those for the type checker."""
    for node in ast.iter_child_nodes(tree):
        typing_only = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if not typing_only and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from done_on_import(node)


def _module_names(node):
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").split(".")[0]}
    return set()


# Everything that runs what it reads, or keeps it in a form that does.
DANGEROUS = {"eval", "exec", "compile", "__import__", "os.system", "torch.save", "torch.load", "yaml.load"}


@every_source
def test_nothing_runs_what_it_reads(path):
    for node in ast.walk(TREES[path]):
        names = _module_names(node)
        assert not names & {"pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}, f"{name_of(path)}: {names}"
    for called, line in calls(TREES[path]):
        assert called not in DANGEROUS, f"{name_of(path)}:{line} calls {called}"


SECRET_LAYERS = ("keys", "plans", "steps", "schemes")

# Where public programs' seeds are expanded: what comes out is declared to be no key.
REPEATS_PROGRAMS = {"schemes/legacy/seeds.py"}


@pytest.mark.parametrize("path", [path for path in SOURCES if layer_of(path) in SECRET_LAYERS], ids=name_of)
def test_no_statistical_generator_decides_anything_secret(path):
    if name_of(path) in REPEATS_PROGRAMS:
        return
    for node in ast.walk(TREES[path]):
        assert not _module_names(node) & {"random", "uuid"}, f"{name_of(path)} imports a generator"
        if isinstance(node, ast.Attribute):
            dotted = ast.unparse(node)
            for forbidden in (
                "random",
                "np.random",
                "numpy.random",
                "torch.Generator",
                "torch.rand",
                "torch.manual_seed",
            ):
                assert dotted != forbidden, f"{name_of(path)}:{node.lineno} uses {dotted}"
                assert not dotted.startswith(f"{forbidden}."), f"{name_of(path)}:{node.lineno} uses {dotted}"


@every_source
def test_files_are_short(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines < LINES, f"{name_of(path)} has {lines} lines: one thing per file"


def public_definitions(tree):
    """Public functions, classes, methods of public classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                        yield inner


@every_source
def test_everything_public_is_documented(path):
    tree = TREES[path]
    assert (ast.get_docstring(tree) or "").strip(), f"{name_of(path)} has no docstring"
    for node in public_definitions(tree):
        assert (ast.get_docstring(node) or "").strip(), f"{name_of(path)}:{node.lineno} {node.name} has no docstring"


@every_source
def test_public_functions_name_their_arguments(path):
    for node in public_definitions(TREES[path]):
        if isinstance(node, ast.FunctionDef) and node.args.kwarg is not None:
            assert node.name in OPEN_ENDED.get(name_of(path), ()), (
                f"{name_of(path)}:{node.lineno} {node.name} takes **{node.args.kwarg.arg}"
            )


@pytest.mark.parametrize("path", [path for path in SOURCES if path.stem != "__init__"], ids=name_of)
def test_every_module_has_a_test_file_of_its_stem(path):
    relative = path.relative_to(PACKAGE)
    expected = ROOT / "tests" / relative.parent / f"test_{relative.stem}.py"
    elsewhere = TESTED_BY.get(name_of(path))
    assert expected.exists() or elsewhere is not None, f"{name_of(path)} has no {expected.relative_to(ROOT)}"
    assert elsewhere is None or (ROOT / elsewhere).exists(), f"{name_of(path)} is tested by {elsewhere}: no such file"


def test_exceptions_are_of_files_that_exist():
    named = {*TESTED_BY, *OPEN_ENDED, *CATCHES_ALL, *REPEATS_PROGRAMS}
    assert {name for name in named if not (PACKAGE / name).exists()} == set()


@every_source
def test_no_error_is_swallowed(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ExceptHandler):
            caught = "" if node.type is None else ast.unparse(node.type)
            if name_of(path) in CATCHES_ALL:
                assert caught, f"{name_of(path)}:{node.lineno} catches even an interrupt"
                continue
            assert caught not in ("", "Exception"), f"{name_of(path)}:{node.lineno} catches everything"
