"""A killed evaluation loses nothing that was finished, and never mixes rides of two evaluations."""

import numpy as np
import pytest

from tests.evaluation.test_evaluate import without_clock
from xiaolu.evaluation import evaluate as room
from xiaolu.evaluation.evaluate import evaluate_rides
from xiaolu.evaluation.journal import Journal
from xiaolu.world.town import save_town

KEY = {"driver": "teacher", "seed": 850_000}


def test_finished_rides_are_there_again(tmp_path) -> None:
    with Journal(tmp_path / "j", KEY) as journal:
        journal.add({"ride": "a-3", "passed": True}, np.array([0.01, 0.02]))
    with Journal(tmp_path / "j", KEY) as journal:
        assert journal.rows == {"a-3": {"ride": "a-3", "passed": True}}
        np.testing.assert_allclose(journal.walls["a-3"], [0.01, 0.02])
        journal.done()
    assert not (tmp_path / "j").exists()


def test_a_line_cut_short_costs_that_ride_only(tmp_path) -> None:
    with Journal(tmp_path / "j", KEY) as journal:
        journal.add({"ride": "a-3"}, np.zeros(1))
        journal.add({"ride": "a-4"}, np.zeros(1))
    text = (tmp_path / "j").read_text()
    (tmp_path / "j").write_text(text[:-9])
    with Journal(tmp_path / "j", KEY) as journal:
        assert list(journal.rows) == ["a-3"]
        journal.add({"ride": "a-5"}, np.zeros(1))
    with Journal(tmp_path / "j", KEY) as journal:
        assert list(journal.rows) == ["a-3", "a-5"]


def test_rides_of_another_driver_are_not_taken_over(tmp_path) -> None:
    with Journal(tmp_path / "j", KEY) as journal:
        journal.add({"ride": "a-3"}, np.zeros(1))
    with Journal(tmp_path / "j", {**KEY, "driver": "other"}) as journal:
        assert not journal.rows


def test_an_evaluation_goes_on_where_it_was_killed(small_town, tmp_path, monkeypatch) -> None:
    town, out = tmp_path / "t.town", tmp_path / "e.json"
    save_town(small_town, town)
    asked = ("teacher", 2, 150.0, 850_100, 1, "sun", out)
    whole = evaluate_rides(town, *asked)
    out.unlink()

    def dies(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "summary_of", dies)
    with pytest.raises(KeyboardInterrupt):
        evaluate_rides(town, *asked)
    monkeypatch.undo()
    assert not out.exists() and (tmp_path / "e.json.rides").exists()
    monkeypatch.setattr(room, "drive_all", lambda tasks, *_: iter(map(dies, tasks)))  # none is driven a second time
    again = evaluate_rides(town, *asked)
    assert without_clock(again) == without_clock(whole) and out.exists() and not (tmp_path / "e.json.rides").exists()
