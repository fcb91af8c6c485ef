"""The referee decides what counts: it must see every fault that is staged, and none where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from tests.ride.followers import Follower
from xiaolu.core.decision import LampColour
from xiaolu.evaluation.referee import Referee
from xiaolu.evaluation.track import Track
from xiaolu.measures import interventions as rules
from xiaolu.ride.config import RideConfig
from xiaolu.ride.ride import Ride
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePath
from xiaolu.world.world import World


@pytest.fixture(scope="module")
def ride_steps(small_town):
    """Steps of an empty road: a follower drives its line for 12 s."""
    config = RideConfig(small_town, 3, length_m=180.0, users=4, density=0.0).with_route()
    ride = Ride(config, Follower(small_town, config.route), world=World(small_town, users=4, density=0.0))
    steps = []
    while not ride.done and len(steps) < 120:
        steps.append(ride.step())
    return config, steps


def referee_of(config, steps):
    referee = Referee(config.town, RoutePath(config.town, config.route), Ground(config.town))
    for step in steps:
        referee.on_step(step)
    return referee


def with_scene(step, **changes):
    return replace(step, scene=replace(step.scene, **changes))


def kinds(events):
    return [event.kind for event in events]


def test_a_clean_ride_has_no_intervention(ride_steps):
    config, steps = ride_steps
    judgement = referee_of(config, steps).judge(True, "arrived")
    assert [k for k in kinds(judgement.events) if k in rules.CRITICAL and k != rules.RED_LINE] == []
    assert judgement.own_m == pytest.approx(judgement.progress_m, abs=12.0)
    assert all(score.valid for score in judgement.scores)


def test_a_wheel_on_the_pavement_is_seen(ride_steps):
    config, steps = ride_steps
    x, y, yaw = steps[60].scene.ego_pose
    beside = np.array([x + 2.5 * np.sin(yaw), y - 2.5 * np.cos(yaw), yaw])
    staged = [*steps[:60], with_scene(steps[60], ego_pose=beside), *steps[61:80]]
    assert rules.OFF_ROAD in kinds(referee_of(config, staged).judge(False, "").counted)


@pytest.mark.parametrize("by_user", [False, True])
def test_a_contact_is_counted_unless_the_user_caused_it(ride_steps, by_user):
    config, steps = ride_steps
    users = steps[50].scene.users
    touching = np.zeros(len(users), bool)
    touching[2] = True
    users = replace(users, uid=np.arange(len(users)), active=np.zeros(len(users), bool))
    hit = with_scene(steps[50], touching=touching, caused_by_user=touching & by_user, users=users)
    judgement = referee_of(config, [*steps[:50], hit, *steps[51:80]]).judge(False, "")
    assert (rules.CONTACT in kinds(judgement.counted)) is not by_user
    assert (rules.CONTACT_BY_USER in kinds(judgement.events)) is by_user


def test_braking_beyond_the_bound_is_seen_at_once(ride_steps):
    config, steps = ride_steps
    referee = Referee(config.town, RoutePath(config.town, config.route), Ground(config.town))
    seen = []
    for number, step in enumerate(steps[:90]):
        referee.on_step(with_scene(step, ego_acceleration_mps2=-6.5) if number == 40 else step)
        event = referee.fresh_intervention()
        if event is not None:
            seen.append((number, event.kind))
    assert seen == [(40, rules.HARD_BRAKE)]


def test_the_distance_after_an_intervention_is_not_the_drivers(ride_steps):
    config, steps = ride_steps
    clean = referee_of(config, steps).judge(True, "arrived")
    staged = [*steps[:30], with_scene(steps[30], ego_acceleration_mps2=-6.5), *steps[31:]]
    judged = referee_of(config, staged).judge(True, "arrived")
    window = sum(abs(step.scene.ego_speed_mps) * 0.1 for step in steps[31 : 31 + int(rules.WINDOW_S * 10)])
    assert judged.own_m == pytest.approx(clean.own_m - window, abs=0.5)


def test_the_signal_column_shows_what_the_approach_shows(ride_steps):
    """Where a stop line governs, the track's colour is one that the route's connection really has at that time."""
    config, steps = ride_steps
    track = Track(config.town, RoutePath(config.town, config.route), Ground(config.town))
    for step in steps:
        track.add(step)
    governed = np.isfinite(track.column("line_ahead_m"))
    assert governed.any(), "the hand-made crossroads has signals on every approach"
    assert set(track.column("signal_colour")[governed]) <= {int(c) for c in LampColour} - {int(LampColour.NONE)}


def test_an_unknown_column_names_the_known_ones(small_town, ride_steps):
    config, _ = ride_steps
    track = Track(small_town, RoutePath(small_town, config.route), Ground(small_town))
    with pytest.raises(KeyError, match="known are"):
        track.column("velocity")
