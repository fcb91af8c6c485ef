"""PDMS- and EPDMS-style scores of a ride: each staged fault costs what the formulas say, and a sound plan nothing."""

from dataclasses import replace

import numpy as np
import pytest

from xiaolu.core.decision import LampColour
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_KNOTS, Plan
from xiaolu.core.users import Kind, empty_users
from xiaolu.evaluation.plans import EVERY, TICKS, Plans, moving
from xiaolu.evaluation.track import Track
from xiaolu.measures.interventions import WINDOW_S
from xiaolu.ride.config import RideConfig
from xiaolu.ride.follower import Follower
from xiaolu.ride.ride import Ride
from xiaolu.vehicle.pursuit import driven_out
from xiaolu.world.ground import Ground
from xiaolu.world.world import World

FIRST = 20  # the plan that tests look at: made after 2 s
CAR = (4.6, 1.8)


@pytest.fixture(scope="module")
def ride(small_town):
    """Steps of an empty road with green lamps, and its way: somebody follows his line at up to 6 m/s for 22 s."""
    config = RideConfig(small_town, 3, length_m=180.0, users=4, density=0.0).with_route()
    going = Ride(config, Follower(small_town, config.route), world=World(small_town, users=4, density=0.0))
    steps = [going.step() for _ in range(220)]
    green = np.full_like(steps[0].scene.signal_colour, LampColour.GREEN)
    return [replace(s, scene=replace(s.scene, signal_colour=green)) for s in steps], going.path


def plans_of(ride, steps):
    _, path = ride
    track = Track(path.town, path, Ground(path.town))
    plans = Plans(track)
    for step in steps:
        track.add(step)
        plans.add(step)
    return plans


def only(ride, steps):
    """The one plan that is judged of steps from a second before FIRST to 4 s after it."""
    plans = plans_of(ride, steps[FIRST - EVERY : FIRST + TICKS + 1])
    assert [judged.stamp_ns for judged in plans.judged] == [steps[FIRST].scene.stamp_ns]
    return plans


def parts_of(ride, steps):
    return only(ride, steps).judged[0].parts


def values(plans, taken=()):
    return {score.name: score for score in plans.scores(taken)}


def planned(steps, plan):
    """The steps with another plan at one moment, and half a second before; what was really driven stays."""
    made = list(steps)
    for k in (FIRST - 5, FIRST):
        made[k] = replace(made[k], decision=replace(made[k].decision, plan=plan))
    return made


def standing(steps):
    return Plan(steps[FIRST].decision.plan.path, np.zeros(SPEED_KNOTS))


def with_body(steps, place, velocity=(0.0, 0.0), kind=Kind.CAR):
    """The steps with one body, where it is at the moment of the plan and how it moves."""
    made = []
    for number, step in enumerate(steps):
        users = empty_users(1)
        users.uid[0], users.active[0], users.kind[0] = 7, True, kind
        later = (number - FIRST) * 0.1
        users.x_m[0], users.y_m[0] = place[0] + velocity[0] * later, place[1] + velocity[1] * later
        users.yaw_rad[0], users.speed_mps[0] = place[2], np.hypot(*velocity)
        users.length_m[0], users.width_m[0], users.height_m[0] = *CAR, 1.5
        flags = np.zeros(1, bool)
        scene = replace(step.scene, users=users, visible=~flags, touching=flags, caused_by_user=flags)
        made.append(replace(step, scene=scene))
    return made


def ahead(step, metres):
    x, y, yaw = step.scene.ego_pose
    return np.array([x + metres * np.cos(yaw), y + metres * np.sin(yaw), yaw])


def test_a_sound_plan_on_an_empty_road_is_worth_everything_but_what_others_would_gain(ride):
    steps, _ = ride
    parts = parts_of(ride, steps)
    assert (parts.no_collision, parts.drivable_area, parts.direction, parts.traffic_light) == (1.0,) * 4
    assert (parts.time_to_collision, parts.lane_keeping, parts.comfort, parts.extended_comfort) == (1.0,) * 4
    assert 0.6 < parts.progress < 1.0, "PDM-Closed drives up to the limit of 11 m/s there, he 6"


def test_one_plan_a_second_each_with_four_seconds_after_it(ride):
    steps = ride[0][:90]
    stamps = [judged.stamp_ns for judged in plans_of(ride, steps).judged]
    assert stamps == [k * EVERY * 100_000_000 for k in range(1, (len(steps) - 1 - TICKS) // EVERY + 1)]


def test_the_motion_is_the_cars_and_not_the_plans(ride):
    """A plan that asks to stand at once is driven with brakes that have limits."""
    steps, _ = ride
    poses, speeds = driven_out((standing(steps), steps[FIRST].decision.plan), moving(steps[FIRST].scene), TICKS)
    assert poses.shape == (2, TICKS + 1, 3) and speeds.shape == (2, TICKS + 1)
    now = steps[FIRST].scene.ego_speed_mps
    assert speeds[0, 0] == speeds[1, 0] == now and now > 1.0
    assert speeds[0, 1] > 0.5 * now and speeds[0, -1] == 0.0
    really = np.array([step.scene.ego_pose[:2] for step in steps[FIRST : FIRST + TICKS + 1]])
    assert np.hypot(*(poses[1, :, :2] - really).T).max() < 1.5, "what he planned is about what he then drove"


def test_who_plans_to_stand_makes_no_progress(ride):
    """NC = DAC = TTC = 1, EP near 0: with comfort C, (5 EP + 5 + 2 C) / 12."""
    steps, _ = ride
    made = planned(steps, standing(steps))
    parts = parts_of(ride, made)
    assert parts.progress < 0.2 and parts.no_collision == parts.drivable_area == 1.0
    worth = (5.0 * parts.progress + 5.0 + 2.0 * parts.comfort) / 12.0
    assert values(only(ride, made))["pdms_style"].value == pytest.approx(worth)


@pytest.mark.parametrize(("kind", "worth"), [(Kind.CAR, 0.0), (Kind.OBJECT, 0.5)])
def test_a_plan_into_a_standing_body_is_a_collision_at_fault(ride, kind, worth):
    steps, path = ride
    s_m, _ = path.project(*steps[FIRST].scene.ego_pose[:2], 0.0)
    parts = parts_of(ride, with_body(steps, path.point_at(s_m + 12.0), kind=kind))
    assert parts.no_collision == worth


def test_others_move_as_they_really_did(ride):
    """The same body that drives off at the moment of the plan is not met."""
    steps, path = ride
    s_m, _ = path.project(*steps[FIRST].scene.ego_pose[:2], 0.0)
    place = path.point_at(s_m + 12.0)
    leaves = 12.0 * np.array([np.cos(place[2]), np.sin(place[2])])
    assert parts_of(ride, with_body(steps, place, leaves)).no_collision == 1.0


def test_who_runs_into_a_standing_ego_from_behind_is_at_fault_himself(ride):
    steps, _ = ride
    behind = ahead(steps[FIRST], -9.0)
    coming = 6.0 * np.array([np.cos(behind[2]), np.sin(behind[2])])
    parts = parts_of(ride, planned(with_body(steps, behind, coming), standing(steps)))
    assert parts.no_collision == 1.0


def test_a_plan_off_the_road_is_worth_nothing(ride):
    steps, _ = ride
    way = np.stack([PATH_DISTANCES_M, -0.05 * PATH_DISTANCES_M**2], axis=1)
    way[PATH_DISTANCES_M > 12.0] = way[PATH_DISTANCES_M == 12.0] + np.outer(
        PATH_DISTANCES_M[PATH_DISTANCES_M > 12.0] - 12.0, (0.64, -0.77)
    )
    made = planned(steps, Plan(way, np.full(SPEED_KNOTS, 4.0)))
    scores = values(only(ride, made))
    assert scores["epdms_style_drivable_area"].value == 0.0
    assert scores["pdms_style"].value == scores["epdms_style"].value == 0.0


def test_a_red_line_costs_the_second_version_everything(ride):
    steps = ride[0][120:]
    red = np.full_like(steps[0].scene.signal_colour, LampColour.RED)
    plans = plans_of(ride, [replace(s, scene=replace(s.scene, signal_colour=red)) for s in steps])
    plans.judged = [judged for judged in plans.judged if judged.parts.traffic_light == 0.0]
    assert 1 <= len(plans.judged) <= 5, "those of the last seconds before the line"
    scores = values(plans)
    assert scores["epdms_style"].value == 0.0 and scores["pdms_style"].value > 0.5
    assert all(judged.parts.traffic_light == 1.0 for judged in plans_of(ride, steps).judged), "green is no red"


def test_a_plan_that_jumps_from_the_one_before_does_not_agree_with_it(ride):
    steps, _ = ride
    made = list(steps)
    slow = Plan(steps[FIRST].decision.plan.path, np.linspace(5.0, 0.5, SPEED_KNOTS))
    made[FIRST] = replace(made[FIRST], decision=replace(made[FIRST].decision, plan=slow))
    assert parts_of(ride, made).extended_comfort == 0.0


def test_plans_of_whoever_took_over_are_left_out(ride):
    steps = ride[0][:90]
    plans = plans_of(ride, steps)
    every = len(plans.judged)
    assert values(plans)["pdms_style"].why == f"{every} plans"
    taken = plans.judged[1].stamp_ns
    assert len(steps) < WINDOW_S * 10, "the window lasts to the end of these steps"
    assert values(plans, [taken])["pdms_style"].why == "2 plans", "those up to the moment it was taken"


def test_too_short_a_ride_has_no_such_score(ride):
    steps, _ = ride
    scores = values(plans_of(ride, steps[: TICKS + EVERY]))
    assert not any(score.valid for score in scores.values()) and "4 s" in scores["pdms_style"].why


def test_the_evidence_is_where_it_went_wrong(ride):
    steps = ride[0][:90]
    made = planned(steps, standing(steps))
    score = values(plans_of(ride, made))["epdms_style_progress"]
    assert score.from_ns <= steps[FIRST].scene.stamp_ns < score.to_ns
