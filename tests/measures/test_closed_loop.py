"""nuPlan closed-loop-style scores of a ride, against cases worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from xiaolu.measures.closed_loop import (
    Driven,
    closed_loop,
    comfort,
    direction,
    drivable_area,
    lane_keeping,
    no_collision,
    progress,
    progressing,
    speed,
    time_to_collision,
    traffic_light,
)

T = 100
TICK_NS = 100_000_000


def ride(**changes) -> Driven:
    """Ten seconds at 8 m/s along a way of 100 m, nobody touched, 10 m/s allowed."""
    made = Driven(
        stamp_ns=np.arange(T) * TICK_NS,
        speed_mps=np.full(T, 8.0),
        yaw_rad=np.zeros(T),
        progress_m=np.arange(T) * 0.8,
        route_m=100.0,
        at_fault=np.zeros((T, 2), bool),
        is_user=np.tile([True, False], (T, 1)),
        corner_off_m=np.zeros((T, 4)),
        against=np.zeros(T, bool),
        limit_mps=np.full(T, 10.0),
        ttc_s=np.full(T, np.inf),
        lane_offset_m=np.zeros(T),
        in_junction=np.zeros(T, bool),
        crossed_red=np.zeros(T, bool),
    )
    return replace(made, **changes)


def at(*ticks, width=None):
    out = np.zeros((T, width) if width else T, bool)
    out[list(ticks)] = True
    return out


def test_a_clean_ride_loses_only_what_it_did_not_drive():
    # Progress 79.2 of 100 m: (5 x 0.792 + 5 + 4 + 2) / 16 = 14.96 / 16 = 0.935.
    total, *parts = closed_loop(ride())
    assert total.value == pytest.approx(14.96 / 16.0) and total.unit == "share"
    assert (total.from_ns, total.to_ns) == (0, 99 * TICK_NS)
    assert all(part.valid for part in parts) and {p.value for p in parts if "progress" not in p.name} == {1.0}


def test_touching_a_user_costs_all_a_thing_half_and_says_when():
    user, thing = np.zeros((T, 2), bool), np.zeros((T, 2), bool)
    user[30:33, 0], thing[50, 1] = True, True
    hit = no_collision(ride(at_fault=user | thing))
    assert hit.value == 0.0 and (hit.from_ns, hit.to_ns) == (30 * TICK_NS, 32 * TICK_NS)
    grazed = no_collision(ride(at_fault=thing))
    assert grazed.value == 0.5 and grazed.from_ns == grazed.to_ns == 50 * TICK_NS
    # Half of the clean ride's 0.935.
    assert closed_loop(ride(at_fault=thing))[0].value == pytest.approx(0.5 * 14.96 / 16.0)


def test_a_corner_off_the_road_is_nothing_left():
    off = np.zeros((T, 4))
    off[20:25, 3] = 0.06
    found = drivable_area(ride(corner_off_m=off))
    assert found.value == 0.0 and (found.from_ns, found.to_ns) == (20 * TICK_NS, 24 * TICK_NS)
    assert drivable_area(ride(corner_off_m=0.8 * off)).value == 1.0  # 4.8 cm: the line itself
    assert closed_loop(ride(corner_off_m=off))[0].value == 0.0


@pytest.mark.parametrize(("ticks", "value"), [(2, 1.0), (3, 0.5), (7, 0.5), (8, 0.0)])
def test_driving_against_the_lane_is_measured_over_a_second(ticks, value):
    # At 8 m/s a tick is 0.8 m: 2 ticks are 1.6 m, 3 are 2.4, 7 are 5.6, 8 are 6.4 m within one second.
    found = direction(ride(against=at(*range(40, 40 + ticks))))
    assert found.value == value
    assert value == 1.0 or (found.from_ns, found.to_ns) == (40 * TICK_NS, (39 + ticks) * TICK_NS)


def test_against_the_lane_twice_a_little_is_not_once_a_lot():
    # 1.6 m, and 1.6 m again three seconds later: never more than 2 m within a second.
    assert direction(ride(against=at(20, 21, 50, 51))).value == 1.0


def test_progress_and_its_least():
    assert progress(ride(route_m=158.4)).value == pytest.approx(0.5)
    assert progressing(ride(route_m=396.0)).value == 1.0  # 79.2 / 396 = 0.2
    assert progressing(ride(route_m=397.0)).value == 0.0
    nothing = progress(ride(route_m=0.0))
    assert not nothing.valid and not closed_loop(ride(route_m=0.0))[0].valid


def test_a_near_collision_counts_below_0_95_s():
    ttc = np.full(T, np.inf)
    ttc[60] = 0.96
    assert time_to_collision(ride(ttc_s=ttc)).value == 1.0
    ttc[60] = 0.94
    found = time_to_collision(ride(ttc_s=ttc))
    assert found.value == 0.0 and found.from_ns == 60 * TICK_NS and "0.94 s" in found.why


def test_speeding_costs_by_its_integral():
    # 1.115 m/s too fast half of the time: 1 - 1.115 x 5 s / (2.23 x 10 s) = 0.75.
    fast = np.where(np.arange(T) < 50, 11.115, 8.0)
    found = speed(ride(speed_mps=fast))
    assert found.value == pytest.approx(0.75) and found.to_ns == 49 * TICK_NS


def test_braking_beyond_the_bounds_is_uncomfortable():
    # 5 m/s² for two seconds, 4.05 are allowed.
    braking = np.clip(8.0 - 0.5 * np.maximum(np.arange(T) - 40, 0), 0.0, None)
    found = comfort(ride(speed_mps=braking))
    assert found.value == 0.0 and 3.0e9 < found.from_ns < 4.5e9
    assert not comfort(Driven(*(v[:10] if isinstance(v, np.ndarray) else v for v in fields_of(ride())))).valid


def fields_of(d):
    return [getattr(d, name) for name in d.__slots__]


def test_lane_keeping_leaves_out_junctions_and_gaps_in_lanes():
    off = np.where(np.arange(T) < 20, 0.6, 0.0)  # two seconds
    assert lane_keeping(ride(lane_offset_m=off)).value == 0.0
    assert lane_keeping(ride(lane_offset_m=off, in_junction=at(10))).value == 1.0
    assert lane_keeping(ride(lane_offset_m=np.where(np.arange(T) == 10, np.nan, off))).value == 1.0
    assert not lane_keeping(ride(lane_offset_m=np.full(T, np.nan))).valid


def test_a_red_line_is_dated():
    found = traffic_light(ride(crossed_red=at(70)))
    assert found.value == 0.0 and found.from_ns == found.to_ns == 70 * TICK_NS


def test_no_ticks_no_score():
    empty = Driven(*(v[:0] if isinstance(v, np.ndarray) else v for v in fields_of(ride())))
    assert all(not score.valid and score.value is None for score in closed_loop(empty))
