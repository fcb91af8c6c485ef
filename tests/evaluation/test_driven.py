"""One ride judged: who is at the wheel when, and what never passes."""

from dataclasses import replace

import numpy as np
import pytest

from xiaolu.core.plan import Plan
from xiaolu.episodes.rides import read_ride
from xiaolu.evaluation import driven as room
from xiaolu.evaluation.driven import Bench, Benches, judged_ride, row_of_task, write_log
from xiaolu.evaluation.suites import Task
from xiaolu.measures import interventions as rules
from xiaolu.ride.config import RideConfig
from xiaolu.ride.follower import Follower, rolling
from xiaolu.world.ground import Ground
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.town import save_town
from xiaolu.world.world import World


class Stalling(Follower):
    """Brakes to a stand and stays."""

    name = "stalling"

    def __init__(self, town, route, at_wheel):
        super().__init__(town, route)
        self.at_wheel = at_wheel

    def drive_scene(self, scene, observation):
        self.at_wheel[scene.stamp_ns] = self.name
        decision = super().drive_scene(scene, observation)
        return replace(decision, plan=Plan(decision.plan.path, rolling(scene.ego_speed_mps, 0.0)))


class Helping(Follower):
    name = "helping"

    def __init__(self, town, route, at_wheel):
        super().__init__(town, route, 1.5)
        self.at_wheel = at_wheel

    def drive_scene(self, scene, observation):
        self.at_wheel[scene.stamp_ns] = self.name
        return super().drive_scene(scene, observation)


@pytest.fixture(scope="module")
def stalled(small_town):
    """A ride of somebody who never drives, and who was at the wheel when."""
    config = RideConfig(small_town, 3, length_m=180.0, users=4, density=0.0, max_s=95.0).with_route()
    world = World(small_town, users=4, density=0.0)
    at_wheel: dict[int, str] = {}
    own = Stalling(small_town, config.route, at_wheel)
    made = judged_ride(
        config, Bench(Ground(small_town), world, None), own, None, lambda town, route: Helping(town, route, at_wheel)
    )
    return made, at_wheel


def test_the_wheel_is_handed_over_for_ten_seconds_and_handed_back(stalled):
    """Stuck is noticed 30 s after it began: the window, and the metres that do not count, begin then."""
    made, at_wheel = stalled
    judgement = made.judgement
    assert {event.kind for event in judgement.counted} == {rules.STUCK} and len(judgement.taken_ns) >= 2
    window = int(rules.WINDOW_S * 1e9)
    for event, taken in zip(judgement.counted, judgement.taken_ns, strict=True):
        assert taken - event.from_ns >= rules.STUCK_S * 1e9
    helped = {s for s in at_wheel for t in judgement.taken_ns if t < s <= t + window}
    assert {s for s, name in at_wheel.items() if name == "helping"} == helped - {
        t + window for t in judgement.taken_ns
    }, "ten seconds each, no more"
    speed, stamp = judgement.track.column("speed_mps"), judgement.track.column("stamp_ns")
    mine = ~np.isin(stamp, sorted(helped))
    assert judgement.own_m == pytest.approx(float(np.abs(speed[mine]).sum()) * 0.1)
    assert judgement.progress_m - judgement.own_m > 15.0, "what the other drove is not the driver's"
    assert judgement.own_m < 8.0, "braking after the wheel was handed back is its own"


def test_a_ride_that_raises_is_a_crash_and_never_passes(small_town, tmp_path, monkeypatch):
    path = tmp_path / "t.town"
    save_town(small_town, path)
    task = Task("t-850100", 850_100, "", False, path, 150.0, "sun")

    def broken(*_args, **_more):
        raise RuntimeError("the wheel came off")

    monkeypatch.setattr(room, "make_driver", broken)
    row, wall = row_of_task(task, "teacher", Benches(False), Towns(tmp_path))
    assert row["outcome"] == "crash" and not row["passed"] and not row["arrived"] and not len(wall)
    assert "the wheel came off" in row["reason"] and "test_driven" in row["reason"]


def test_a_scenario_without_a_place_is_invalid_and_never_passes(tmp_path, monkeypatch):
    def nowhere(*_args):
        raise ValueError("no validation town has a place for it")

    monkeypatch.setattr(room, "scenario_of", nowhere)
    row, _ = row_of_task(Task("hail-800000", 800_000, "hail"), "teacher", Benches(False), Towns(tmp_path))
    assert row["outcome"] == "invalid" and not row["passed"] and "no validation town" in row["reason"]


def test_who_stands_on_when_the_wheel_is_his_again_is_stuck_again(small_town):
    """30 s, 10 s of somebody who does not drive either, 30 s again: two interventions 40 s apart."""
    config = RideConfig(small_town, 3, length_m=180.0, users=4, density=0.0, max_s=95.0).with_route()
    bench = Bench(Ground(small_town), World(small_town, users=4, density=0.0), None)
    own = Stalling(small_town, config.route, {})
    made = judged_ride(config, bench, own, None, lambda town, route: Stalling(town, route, {}))
    first, second = made.judgement.taken_ns
    assert [event.kind for event in made.judgement.counted] == [rules.STUCK] * 2
    assert second - first == pytest.approx(40e9, abs=0.3e9) and not made.judgement.arrived


def test_a_log_of_it_can_be_read_again(stalled, tmp_path):
    made, _ = stalled
    write_log(tmp_path / "logs" / "t.mcap", made)
    ride = read_ride(tmp_path / "logs" / "t.mcap")
    assert sum(1 for _ in ride.steps()) == len(made.steps) and ride.header.driver == "stalling"
