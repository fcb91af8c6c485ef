"""What a user would lose: scenario rides that come out the same, from their header alone, and begin as they should."""

import numpy as np

from tests.world.test_scenarios import CHILD, child
from xiaolu.ride.config import config_of, scenario_config
from xiaolu.ride.follower import Follower
from xiaolu.ride.ride import Ride
from xiaolu.world.scenarios.format import load_family
from xiaolu.world.scenarios.sample import scenario_in
from xiaolu.world.world import World


def drive(config, seconds=14.0):
    ride = Ride(config, Follower(config.town, config.route))
    return ride, [ride.step() for _ in range(round(seconds * 10))]


def test_a_ride_is_made_again_from_its_header_bit_for_bit(small_town, tmp_path):
    file = tmp_path / "child.toml"
    file.write_text(CHILD, encoding="utf-8")
    scenario = scenario_in(load_family(file), 3, small_town, "old-town", 0)
    config = scenario_config(scenario)
    ride, steps = drive(config)
    header = config.header("follower")
    assert header.versions["scenario_seed"] == "3" and header.ride == "child-3"
    _, again = drive(config_of(header, small_town))
    for one, two in zip(steps, again, strict=True):
        assert np.array_equal(one.scene.users.x_m, two.scene.users.x_m)
        assert np.array_equal(one.scene.acts, two.scene.acts)
        assert np.array_equal(one.scene.ego_pose, two.scene.ego_pose)
    assert steps[-1].scene.acts[scenario.actors["child"]] == 1  # it ran, the way being free for a blind follower
    assert ride.state.progress.s_m > 20.0


def test_forks_of_a_scenario_ride_go_on_alike(small_town):
    config = scenario_config(scenario_in(child(), 5, small_town, "old-town", 0))
    ride, _ = drive(config, 6.0)
    twin = ride.fork(1)[0]
    for _ in range(40):
        a, b = ride.step(), twin.step()
        assert np.array_equal(a.scene.users.x_m, b.scene.users.x_m) and np.array_equal(a.scene.acts, b.scene.acts)


def test_a_world_is_shared_and_left_as_it_was(small_town):
    world = World(small_town, users=20)
    ways = world._ways
    config = scenario_config(scenario_in(child(), 5, small_town, "old-town", 0))
    ride = Ride(config, Follower(config.town, config.route), world=world)
    assert ride.world is not world and ride.world.sight is world.sight and world._ways is ways
    assert world.users == 20 and ride.world.users == config.users
