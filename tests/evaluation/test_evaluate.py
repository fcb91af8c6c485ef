"""`xiaolu evaluate`: same seeds, same figures, however many workers; fields as documented."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from xiaolu.evaluation.evaluate import evaluate_rides
from xiaolu.evaluation.summary import summary_of, table
from xiaolu.world.town import save_town

DOCUMENT = Path(__file__).parents[2] / "docs" / "evaluation.md"


@pytest.fixture(scope="module")
def town_file(small_town, tmp_path_factory):
    path = tmp_path_factory.mktemp("town") / "crossroads.town"
    save_town(small_town, path)
    return path


def without_clock(evaluation):
    text = json.dumps(evaluation, sort_keys=True)
    return re.sub(r'"latency_p\d+(_ms)?": ({[^}]*}|[-\d.e]+)', '""', text)


def test_the_same_rides_whoever_drives_them_in_parallel(town_file, tmp_path):
    one = evaluate_rides(town_file, "teacher", 2, 150.0, 850_100, 1, "sun", tmp_path / "one.json")
    two = evaluate_rides(town_file, "teacher", 2, 150.0, 850_100, 2, "sun", tmp_path / "two.json")
    assert without_clock(one) == without_clock(two)
    assert json.loads((tmp_path / "one.json").read_text()) == one
    assert "passed" in table(one)
    described = DOCUMENT.read_text(encoding="utf-8")
    fields = (*one, *one["summary"], *one["rides"][0], *one["rides"][0]["scores"], *one["rides"][0]["rules"])
    missing = [f for f in fields if f"`{f}`" not in described]
    assert not missing, f"docs/evaluation.md does not say what these fields are: {missing}"


def test_an_unknown_driver_is_named_before_any_ride(town_file, tmp_path):
    with pytest.raises(ValueError, match="no driver 'nobody': known are"):
        evaluate_rides(town_file, "nobody", 1, 150.0, 850_100, 1, "sun", tmp_path / "x.json")
    assert not (tmp_path / "x.json").exists()


def row(passed, kinds, own_m=500.0):
    score = {"value": 1.0, "unit": "share", "valid": True, "why": ""}
    names = (
        "comfort_noticed_time_share",
        "comfort_nuplan_style_time_share",
        "comfort_nuplan_style_ride",
        "hard_brakes",
    )
    return {
        "ride": "t-1",
        "family": "",
        "outcome": "pass" if passed else "fail",
        "checks": [],
        "rules": {},
        "arrived": passed,
        "passed": passed,
        "own_m": own_m,
        "progress_m": own_m,
        "duration_s": 100.0,
        "interventions": [{"kind": kind} for kind in kinds],
        "events": [],
        "scores": dict.fromkeys(names, score),
    }


def test_rates_are_per_own_kilometre_with_exact_intervals():
    """Two rides of 500 m, three events: 3 per km, Garwood 0.619 to 8.77."""
    summary = summary_of([row(True, []), row(False, ["contact", "contact", "stuck"])], np.array([0.01, 0.02]))
    assert summary["own_km"] == 1.0
    rate = summary["interventions"]
    assert (rate["count"], rate["per_km"]) == (3, 3.0)
    assert rate["low"] == pytest.approx(0.6187, abs=1e-3) and rate["high"] == pytest.approx(8.7673, abs=1e-3)
    assert summary["critical"]["count"] == 2
    assert summary["passed"]["count"] == 1


def test_no_event_gives_no_made_up_distance():
    summary = summary_of([row(True, [])], np.array([0.01]))
    distance = summary["distance_per_intervention"]
    assert distance["value_m"] is None and distance["low_m"] == pytest.approx(500.0 / 3.6889, abs=0.1)


def test_a_driver_that_never_moved_has_no_rate():
    summary = summary_of([row(False, ["stuck"], own_m=0.0)], np.array([0.01]))
    assert "per_km" not in summary["interventions"] and summary["hard_brakes_per_km"] is None
