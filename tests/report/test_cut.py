"""What a user would lose: interventions that become tests. A ride is cut at an event, and the event happens again."""

import numpy as np
import pytest

from tests.world.test_scenarios import CHILD
from xiaolu.episodes.rides import Pictures, RideWriter
from xiaolu.report.cut import cut_ride
from xiaolu.ride.config import scenario_config
from xiaolu.ride.follower import Follower
from xiaolu.ride.ride import Ride
from xiaolu.world.scenarios.format import load_family
from xiaolu.world.scenarios.sample import scenario_in, scenario_of
from xiaolu.world.town import save_town


def meeting(steps, uid):
    """Return (step, place of the user, gap m) of the moment at which the ego and a user are nearest."""
    gaps = []
    for step in steps:
        users, ego = step.scene.users, step.scene.ego_pose
        n = np.flatnonzero(users.uid == uid)[0]
        middle = ego[:2] + 1.4 * np.array([np.cos(ego[2]), np.sin(ego[2])])
        gaps.append(np.hypot(users.x_m[n] - middle[0], users.y_m[n] - middle[1]))
    k = int(np.argmin(gaps))
    users = steps[k].scene.users
    n = np.flatnonzero(users.uid == uid)[0]
    return k, np.array([users.x_m[n], users.y_m[n]]), gaps[k]


@pytest.mark.parametrize("seed", [3, 6])
def test_the_same_driver_meets_the_same_user_at_the_same_place(small_town, tmp_path, seed):
    town_file, log, family_file = tmp_path / "small.town", tmp_path / "ride.mcap", tmp_path / "child.toml"
    save_town(small_town, town_file)
    family_file.write_text(CHILD, encoding="utf-8")
    scenario = scenario_in(load_family(family_file), seed, small_town, "old-town", 0)
    config = scenario_config(scenario)
    ride = Ride(config, Follower(small_town, config.route))
    writer = RideWriter(log, Pictures.NONE)
    steps = []
    writer.on_start(config.header("follower"))
    for _ in range(170):
        steps.append(ride.step())
        writer.on_step(steps[-1])
    writer.on_end(())
    uid = scenario.actors["child"]
    k, place, gap = meeting(steps, uid)
    assert gap < 4.0
    out = cut_ride(log, k / 10, tmp_path / "again.toml", town_file)
    family = load_family(out)
    again = scenario_of(family, seed)
    assert again.family.name == "again" and again.town.digest() == small_town.digest()
    actor = again.actors[f"child-{uid}"]
    config = scenario_config(again)
    ride = Ride(config, Follower(again.town, config.route))
    repeated = [ride.step() for _ in range(70)]
    assert repeated[0].scene.ego_speed_mps == pytest.approx(steps[k - 40].scene.ego_speed_mps, abs=0.01)
    k_again, place_again, gap_again = meeting(repeated, actor)
    assert abs(k_again - 40) <= 6
    assert np.hypot(*(place_again - place)) < 1.0 and gap_again == pytest.approx(gap, abs=0.7)


def test_a_moment_outside_the_ride_is_refused(small_town, tmp_path):
    town_file, log = tmp_path / "small.town", tmp_path / "ride.mcap"
    save_town(small_town, town_file)
    file = tmp_path / "child.toml"
    file.write_text(CHILD, encoding="utf-8")
    config = scenario_config(scenario_in(load_family(file), 3, small_town, "old-town", 0))
    writer, ride = RideWriter(log, Pictures.NONE), Ride(config, Follower(small_town, config.route))
    writer.on_start(config.header("follower"))
    for _ in range(20):
        writer.on_step(ride.step())
    writer.on_end(())
    with pytest.raises(ValueError, match=r"--at 99: the ride is recorded from 0 to 1\.9 s"):
        cut_ride(log, 99.0, None, town_file)
