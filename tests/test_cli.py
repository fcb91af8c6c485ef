"""The one command: it explains itself, says what is wrong in a line, and never shows a person a traceback for it."""

import subprocess
import sys

import pytest

from xiaolu.cli import VERBS, main, overview
from xiaolu.doctor import Finding, examine


def run(*words):
    return subprocess.run([sys.executable, "-m", "xiaolu", *words], capture_output=True, text=True, timeout=120)


def test_no_verb_lists_them_all():
    done = run()
    assert done.returncode == 0
    assert all(f"xiaolu {verb}" in done.stdout for verb in (*VERBS, "collect"))
    assert "not for public roads" in done.stdout


def test_an_unknown_verb_is_an_error_with_the_list(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["fly"])
    assert stop.value.code == 2 and overview() in capsys.readouterr().out


@pytest.mark.parametrize("verb", [*VERBS, "collect"])
def test_every_verb_explains_its_options(verb, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*verb.split(), "--help"])
    assert stop.value.code == 0
    assert "usage: xiaolu " + verb in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["town", "show", "nowhere.town", "--out", "x.png"], "no town at nowhere.town"),
        (["replay", "nowhere.mcap"], "no ride log at nowhere.mcap"),
        (["drive", "--driver", "nobody"], "no driver 'nobody': known are teacher"),
        (["export", "nowhere", "--out", "x"], "config.json is missing"),
        (["collect", "--split", "test"], "is a test seed"),
    ],
)
def test_a_mistake_is_told_in_a_line_with_the_way_out(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert said in told and "Traceback" not in told


def test_help_is_quick_because_nothing_heavy_is_loaded():
    code = "import sys, xiaolu.cli; print(sorted({'torch', 'numba', 'moderngl', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_driving_needs_no_torch_and_no_sumo():
    """Everything a ride and its report import, with torch and SUMO made unimportable."""
    code = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "sumo", "onnx", "safetensors"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import xiaolu.report.drive, xiaolu.report.replay, xiaolu.evaluation.evaluate, xiaolu.ride.gym
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_doctor_finds_what_this_machine_has():
    findings = {finding.what: finding for finding in examine()}
    assert findings["Python"].good
    assert all(finding.good or finding.remedy for finding in findings.values())


def test_the_doctor_fails_only_for_what_driving_needs(monkeypatch, capsys):
    lacking = [Finding("PyTorch", False, "not installed", "training (optional)", "pip install it")]
    monkeypatch.setattr("xiaolu.doctor.examine", lambda: lacking)
    main(["doctor"])
    assert "pip install it" in capsys.readouterr().out
    lacking.append(Finding("OpenGL", False, "no display", "cameras", "apt-get install -y libegl1"))
    with pytest.raises(SystemExit) as stop:
        main(["doctor"])
    assert stop.value.code == 1 and "apt-get install -y libegl1" in capsys.readouterr().out
