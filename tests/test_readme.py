"""The README's Python runs as written, and its figures are those of the committed results."""

import re
import shlex
from pathlib import Path

from typer.main import get_command

from benchmarks import figures
from pixelveil.cli.app import build_app

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_of_the_readme_runs():
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(block.strip().splitlines()) == 8
    names = {}
    exec(block, names)  # noqa: S102 - our own README
    assert names["encrypted"].images.shape == names["images"].shape
    assert (names["encrypted"].images != names["images"]).mean() > 0.9


def test_every_command_of_the_readme_exists_with_its_options():
    program = get_command(build_app())
    lines = [line for line in README.splitlines() if line.startswith("pixelveil ")]
    assert len(lines) > 10
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        command, options = program, []
        while words and hasattr(command, "commands") and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        known = {name for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts]}
        options = [word for word in words if word.startswith("-")]
        assert command is not program, line
        assert set(options) <= known, line


def test_the_pictures_of_the_readme_are_there():
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert len(pictures) >= 4
    for picture in pictures:
        assert (ROOT / picture).is_file(), picture


def test_the_figures_of_the_readme_are_those_of_the_results():
    assert figures.block(README) == figures.render(), "run: python -m benchmarks.figures"
