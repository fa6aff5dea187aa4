import subprocess
from pathlib import Path

from pixelveil import machine

ROOT = Path(__file__).resolve().parent.parent


def test_machine_facts_name_a_processor_and_no_host_or_folder():
    facts = machine.machine()
    assert facts["processor"]
    assert facts["cores"] >= 1
    text = " ".join(str(value) for value in facts.values())
    node = subprocess.run(["uname", "-n"], capture_output=True, text=True, check=True).stdout.strip()
    assert node not in text
    assert str(Path.home()) not in text


def test_versions_tell_python_and_what_figures_depend_on():
    found = machine.versions()
    assert {"python", "numpy", "numba", "cryptography"} <= set(found)


def test_commit_is_the_one_checked_out_here():
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if head.returncode == 0:
        assert head.stdout.startswith(machine.commit().removesuffix("-dirty"))
        assert machine.commit()
    else:
        assert machine.commit() == ""


def test_results_do_not_make_a_tree_another_one(tmp_path, monkeypatch):
    def git(*words):
        names = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", tmp_path, *names, *words], check=True, capture_output=True)

    source, result = tmp_path / "src" / "pixelveil" / "machine.py", tmp_path / "audits" / "report.json"
    for path in (source, result):
        path.parent.mkdir(parents=True)
        path.write_text("first")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    monkeypatch.setattr(machine, "__file__", str(source))
    clean = machine.commit()
    assert len(clean) == 12
    result.write_text("second")
    assert machine.commit() == clean
    source.write_text("second")
    assert machine.commit() == f"{clean}-dirty"
