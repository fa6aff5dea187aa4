"""A whole audit on little pictures: what it writes, what it never writes."""

import json
import stat

import numpy as np
import pytest
from PIL import Image

from pixelveil.attacks import list_attacks
from pixelveil.attacks.games import list_games
from pixelveil.attacks.stem.catalogue import MODEL_ATTACKS
from pixelveil.audit.job import ON_REAL_MODELS, AuditSettings, all_trials, run_audit
from pixelveil.audit.requirement import parse_requirement
from pixelveil.audit.trial import AttackTrial
from pixelveil.errors import UsageError
from pixelveil.schemes import create_scheme


@pytest.fixture
def data(tmp_path, fakes):
    folder = tmp_path / "patients"
    (folder / "ward").mkdir(parents=True)
    for number, picture in enumerate(fakes.pictures(240)):
        Image.fromarray(picture).save(folder / "ward" / f"meier-{number}.png")
    return folder


@pytest.fixture
def audited(tmp_path, scheme, data, fakes):
    def run(out="out", attacks=None, **settings):
        chosen = attacks or (fakes.Folding(), fakes.Constant(), fakes.OnlyLe())
        trials = [AttackTrial(attack=attack, positives=fakes.positives) for attack in chosen]
        options = AuditSettings(**{"victims": 60, "size": 16, "seconds": 60.0, **settings})
        return run_audit(scheme, data=data, out=tmp_path / out, settings=options, trials=trials), tmp_path / out

    return run


def test_what_it_finds_and_writes(audited):
    found, out = audited(requirements=(parse_requirement("any: ssim<0.5"),))
    assert found.grade == "BROKEN"
    assert [cell.attack for cell in found.cells] == ["folding", "only-le", "constant"]
    assert found.answers[0].outcome == "failed"
    assert json.loads((out / "report.json").read_text()) == json.loads(json.dumps(found.to_json()))
    assert found.data["victims"] == 60
    assert found.scheme["key_bits"] == pytest.approx(16 * 16 * 3)
    assert {path.name for path in (out / "cells").glob("*.json")} == {"folding.json", "constant.json", "only-le.json"}


def test_the_same_again_runs_nothing(audited):
    first, out = audited()
    before = {path: path.stat().st_mtime_ns for path in (out / "cells").glob("f*.json")}
    second, _ = audited()
    assert second.cells == first.cells
    assert {path: path.stat().st_mtime_ns for path in (out / "cells").glob("f*.json")} == before


def test_no_name_of_a_file_or_folder_is_written(audited, tmp_path):
    _, out = audited()
    for path in out.rglob("*"):
        if path.is_file():
            text = path.read_text()
            for word in ("meier", "ward", str(tmp_path)):
                assert word not in text, path.name


def test_with_pictures_only_the_owner_may_read_the_report(audited):
    _, out = audited()
    assert stat.S_IMODE((out / "report.html").stat().st_mode) == 0o600
    assert (out / "report.html").read_text().count("data:image/png") == 2 * 3 * 4
    _, other = audited(out="other", pictures=False)
    assert "data:image" not in (other / "report.html").read_text()
    assert list(other.rglob("*.pictures")) == []


def test_another_scheme_does_not_overwrite(audited, tmp_path, data, fakes):
    audited()
    trials = [AttackTrial(attack=fakes.Folding())]
    with pytest.raises(UsageError, match="--out"):
        run_audit(
            create_scheme("skk"),
            data=data,
            out=tmp_path / "out",
            settings=AuditSettings(size=16, seconds=9),
            trials=trials,
        )


def test_legacy_material_is_said_to_be_no_key(tmp_path, data, fakes):
    from pixelveil.schemes.legacy.material import legacy_from_seed

    plain = create_scheme("tanaka-le")
    scheme = plain.bind(legacy_from_seed(plain, seed=3, rng="numpy", shape=(16, 16, 3)))
    settings = AuditSettings(size=16, seconds=9, victims=60)
    trials = [AttackTrial(attack=fakes.Folding())]
    found = run_audit(scheme, data=data, out=tmp_path / "other", settings=settings, trials=trials)
    assert "2^32 values" in found.scheme["legacy"]
    assert "is not a key" in (tmp_path / "other" / "report.html").read_text()


def test_the_catalogue_is_the_grid():
    names = [trial.name for trial in all_trials()]
    assert sorted([*names, *ON_REAL_MODELS]) == sorted([*list_attacks(), *list_games(), *MODEL_ATTACKS])
    assert [trial.name for trial in all_trials(ON_REAL_MODELS)] == list(ON_REAL_MODELS)
    assert names.index("plain-tokens") < names.index("matching") < names.index("brute-force")
    found = all_trials(["matching", "leading-bit"])
    assert [(trial.name, trial.kind) for trial in found] == [("matching", "game"), ("leading-bit", "attack")]
    assert not set(list_attacks()) & set(list_games())
    with pytest.raises(UsageError, match="no attack or game"):
        all_trials(["guessing"])


@pytest.mark.parametrize("change", [{"images": 0}, {"victims": -1}, {"seconds": 0.0}])
def test_settings_are_checked(change):
    with pytest.raises(UsageError, match="positive"):
        AuditSettings(**change)


def test_images_that_the_scheme_cannot_take_are_refused_before_anything_runs(tmp_path, fakes, scheme):
    np.savez(tmp_path / "tiny.npz", x=np.zeros((50, 16, 16, 3), np.uint8))
    with pytest.raises(UsageError, match="too few"):
        run_audit(scheme, data=tmp_path / "tiny.npz", out=tmp_path / "out", trials=[])
    assert not (tmp_path / "out").exists()
