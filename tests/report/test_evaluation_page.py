"""The pages about an evaluation: they must say what failed, show it, and never call a missing figure a good one."""

import re

import numpy as np
import pytest

from xiaolu.evaluation.compare import compare
from xiaolu.evaluation.driven import row_without_ride
from xiaolu.evaluation.suites import Task
from xiaolu.evaluation.summary import summary_of, table, write_csv
from xiaolu.report.comparison import page as comparison_page
from xiaolu.report.evaluation import page
from xiaolu.report.failures import moment_of


def row(seed: int, outcome: str, kinds=(), broken=()):
    score = {"value": 0.9, "unit": "share", "valid": True, "why": "", "from_s": 0.0, "to_s": 60.0}
    checks = [{"check": name, "holds": False, **score} for name in broken]
    rule = {"red_line": {"holds": "red_line" not in kinds, "source": "a law, art. 38 [second]", **score}}
    return row_without_ride(Task(f"hail-{seed}", seed, "hail"), outcome, "arrived") | {
        "passed": outcome == "pass",
        "arrived": True,
        "town": "village-800000",
        "town_digest": "d",
        "route_m": 200.0,
        "progress_m": 200.0,
        "own_m": 200.0,
        "duration_s": 60.0,
        "interventions": [{"kind": k, "from_s": 12.0, "to_s": 13.0, "detail": "uid <7>"} for k in kinds],
        "scores": {"comfort_noticed_time_share": score, "hard_brakes": score},
        "checks": checks,
        "broken": [f"{name}: too late" for name in broken],
        "rules": rule,
    }


def evaluation(driver: str, rows: list[dict]) -> dict:
    made = {"schema": 1, "version": "x", "driver": driver, "suite": "hands", "split": "validation", "seeds": len(rows)}
    return {**made, "families": ["hail"], "summary": summary_of(rows, np.array([0.01])), "rides": rows}


@pytest.fixture
def mixed():
    crash = row_without_ride(Task("hail-800003", 800_003, "hail"), "crash", "RuntimeError: <no wheel>")
    rows = [
        row(800_000, "pass"),
        row(800_001, "fail", ("red_line",), ("waits_for", "waits_for")),
        row(800_002, "invalid"),
        crash,
    ]
    return evaluation("teacher", rows)


def test_a_crash_and_an_unjudged_ride_are_not_passed(mixed):
    s = mixed["summary"]
    assert s["passed"]["count"] == 1 and (s["failed"], s["invalid"], s["crashed"]) == (1, 1, 1)
    family = s["families"]["hail"]
    assert family["passed"]["count"] == 1 and family["rides"] == 4 and family["first_three"] is False
    assert family["broken"] == {"waits_for": 1}
    assert s["rules"]["red_line"] == {"source": "a law, art. 38 [second]", "judged": 3, "held": 2}
    # Three rides of 200 m, one event: 1.67 per km.
    assert s["interventions"]["per_km"] == pytest.approx(1 / 0.6)
    assert "invalid 1, crashed 1" in table(mixed)


def test_nothing_but_crashes_has_no_figures():
    rows = [row_without_ride(Task(f"hail-{s}", s, "hail"), "crash", "x") for s in range(3)]
    s = summary_of(rows, np.empty(0))
    assert s["passed"]["share"] == 0.0 and s["comfort_noticed_time_share"] is None
    assert s["hard_brakes_per_km"] is None and s["latency_p50_ms"] is None and "per_km" not in s["interventions"]
    assert "no data" in page(evaluation("x", rows), {}) and "comfort without data" in table(evaluation("x", rows))


def test_the_page_shows_every_failure_and_escapes_what_it_quotes(mixed):
    text = page(mixed, {"hail-800001": b"film"})
    assert text.count('class="card"') == 3 and text.count("<video") == 1 and "data:video/mp4;base64,ZmlsbQ==" in text
    assert "red line at 12.0 s uid &lt;7&gt;" in text and "&lt;no wheel&gt;" in text and "<no wheel>" not in text
    assert "waits_for: too late" in text and "a law, art. 38 [second]" in text and "could not be judged" in text
    assert "suite hands, validation seeds 800000 to 800003" in text
    assert not re.search(r"https?://", text.replace("http://www.w3.org", "")), "everything is in the page"


def test_the_moment_of_a_failure_is_the_first_thing_that_went_wrong(mixed):
    rows = mixed["rides"]
    assert moment_of(rows[1]) == 12.0
    assert moment_of(rows[1] | {"interventions": []}) == 0.0  # where the check's evidence begins
    assert moment_of(rows[1] | {"interventions": [], "checks": []}) == 60.0


def test_the_csv_has_a_line_a_ride_and_leaves_out_what_there_is_not(mixed, tmp_path):
    write_csv(mixed, tmp_path / "e.csv")
    lines = (tmp_path / "e.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 5 and lines[0].startswith("ride,family,seed,town")
    assert "red_line 12.0" in lines[2] and lines[4].endswith(",,") and lines[1].endswith("0.9,0.9")


def test_two_drivers_side_by_side(mixed):
    other = evaluation("idm", [row(800_000 + k, "fail", ("stuck",)) for k in range(4)])
    found = compare(mixed, other)
    assert found["families"] == {"hail": [1, 0, 4]} and found["only_one"] == ["hail-800000"]
    # The crash has no kilometres: three rides each, 1 event to 3.
    assert found["interventions"]["all"]["counts"] == [1, 3] and found["own_km"] == [pytest.approx(0.6)] * 2
    assert found["interventions"]["all"]["ratio"] == pytest.approx(1 / 3)
    text = comparison_page(found, mixed, other)
    assert "teacher" in text and "idm" in text and "hail-800000" in text and "0.33" in text


def test_rides_on_another_route_are_refused(mixed):
    other = evaluation("idm", [row(800_000, "pass") | {"route_m": 201.0}])
    with pytest.raises(ValueError, match=r"hail-800000: route_m is 200\.0 in one and 201\.0"):
        compare(mixed, other)


def test_a_film_is_of_the_seconds_around_the_failure_and_says_who_drives(small_town, monkeypatch):
    from xiaolu.report import failures as room
    from xiaolu.ride.config import RideConfig
    from xiaolu.ride.follower import Follower
    from xiaolu.ride.ride import Ride
    from xiaolu.world.world import World

    config = RideConfig(small_town, 3, length_m=180.0, users=4, density=0.0).with_route()
    ride = Ride(config, Follower(small_town, config.route), world=World(small_town, users=4, density=0.0))
    steps = [ride.step() for _ in range(150)]
    assert [step.index for step in room.around(steps, 10.0)] == list(range(20, 131, room.EVERY))

    class Grey:
        def images(self, scene, names):
            return {"wide": np.full((80, 160, 3), 128, np.uint8)}

    failed = row(800_001, "fail", ("stuck",)) | {"taken_s": [12.0]}
    shown = list(room.pictures_of(config.header("x"), steps, small_town, failed, Grey()))
    assert {p.shape for p in shown} == {(room.HEIGHT_PX, room.WIDTH_PX, 3)} and len(shown) == 55
    red = [int((p[200:226, 430:520, 0] > 200).sum()) for p in shown]
    before = [k for k, step in enumerate(room.around(steps, 12.0)) if step.scene.stamp_ns <= 12e9]
    assert not any(red[k] for k in before) and all(red[k] for k in range(len(before), len(shown)))
