"""Checks on rides worked out by hand: each holds and fails where it should, and nothing is no pass."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.evaluation.accounts import END_S_M, account, drive
from xiaolu.core.decision import LampColour
from xiaolu.core.episode import Event
from xiaolu.evaluation.checks import JUDGES, Cast, Finding
from xiaolu.evaluation.verdict import Outcome, judged, outcome_of
from xiaolu.measures import interventions as rules
from xiaolu.world.scenarios.checks import CHECKS, Number, Word

CAST = Cast({"one": 0, "row-1": 0, "row-2": 1}, {"one": ("waits", "goes", "ends"), "row": ("waits", "goes")})
RED, GREEN = LampColour.RED, LampColour.GREEN


def found(check: str, a, **values) -> Finding:
    rules = CHECKS[check].parameters
    given = {name: rule.default for name, rule in rules.items() if isinstance(rule, (Number, Word))}
    return JUDGES[check](check, a, CAST, given | values)


def test_every_check_of_the_catalogue_has_its_judge():
    of_the_ride = {"arrives", "intervention_free", "no_red_line", "no_off_road", "time_limit_s"}
    assert set(JUDGES) | of_the_ride == set(CHECKS)


def test_clearance_is_the_gap_between_outlines_while_moving():
    # A car 2.5 m to the left, both along the way: 2.5 - 0.94 - 0.9 = 0.66 m between them.
    a = account(drive((10, 5)), actors=[{"s_m": 25.0, "left_m": 2.5}])
    finding = found("keeps_clearance_m", a, actor="one", least_m=0.6)
    assert finding.holds
    assert finding.score.value == pytest.approx(0.66, abs=1e-6)
    assert not found("keeps_clearance_m", a, actor="one", least_m=0.7).holds
    # The evidence is a moment at which they are abreast: its front between 22.75 m and 27.25 + 4.7 m.
    assert 4.5 <= finding.score.from_ns / 1e9 <= 6.5


def test_clearance_does_not_count_for_an_ego_that_stands():
    a = account(np.zeros(50), actors=[{"s_m": 0.0, "left_m": 1.9}])
    finding = found("keeps_clearance_m", a, actor="one", least_m=0.5)
    assert finding.holds is None and not finding.score.valid


def test_speed_between_two_places_is_the_greatest_there():
    a = account(drive((5, 8), (5, 4), (5, 8)))  # 40 m at 8, then 20 m at 4 m/s
    assert found("slower_than", a, most_mps=4.5, from_m=42.0, to_m=58.0).holds
    assert not found("slower_than", a, most_mps=4.5, from_m=30.0, to_m=58.0).holds
    assert found("slower_than", a, most_mps=4.5, from_m=300.0, to_m=310.0).holds is None


def test_a_stretch_between_two_samples_counts():
    a = account(drive((5, 10)))
    assert found("slower_than", a, most_mps=9.0, from_m=20.2, to_m=20.6).holds is False


@pytest.mark.parametrize(("stand_at_m", "holds"), [(28.5, True), (24.0, False), (29.9, False)])
def test_a_stop_must_lie_in_its_range_before_the_place(stand_at_m, holds):
    a = account(drive((stand_at_m / 5, 5), (4, 0), (4, 5)))
    finding = found("stops_before", a, place_m=30.0, least_gap_m=0.3, most_gap_m=2.0)
    assert finding.holds is holds


@pytest.mark.parametrize(("rolls_up_on", "holds"), [(GREEN, True), (RED, False)])
def test_who_stood_before_a_red_line_may_wait_for_others_at_it_once_it_is_green(rolls_up_on, holds):
    front = drive((5.7, 5), (4, 0), (1.4, 1), (4, 0), (4, 5))  # stands at 28.5 m, then at 29.9 m, the line at 30 m
    colour = np.where(np.arange(len(front)) < 97, RED, rolls_up_on)
    a = account(front, colour=colour, line_s_m=30.0)
    assert found("stops_before", a, place_m=30.0, least_gap_m=0.3, most_gap_m=2.0).holds is holds


@pytest.mark.parametrize(("before", "holds"), [(RED, True), (GREEN, False)])
def test_who_comes_up_to_a_red_that_turns_green_need_not_stand(before, holds):
    """Before a lamp that was green all along somebody else asked for the stop."""
    front = drive((4, 5), (8, 1), (4, 5))
    colour = np.where(np.arange(len(front)) < 100, before, GREEN)
    a = account(front, colour=colour, line_s_m=30.0)
    assert found("stops_before", a, place_m=30.0, most_gap_m=2.0).holds is holds


def test_who_stands_before_its_line_on_green_alone_may_be_as_near_as_it_likes():
    front = drive((5.9, 5), (0.4, 1), (4, 0), (4, 5))  # stands at 29.9 m
    asked = {"place_m": 30.0, "least_gap_m": 0.3}
    assert found("stops_before", account(front, colour=GREEN, line_s_m=30.0), **asked).holds
    assert found("stops_before", account(front, colour=RED, line_s_m=30.0), **asked).holds is False


def test_who_queues_at_a_red_has_stopped_before_its_line_and_who_queues_elsewhere_has_not():
    front = drive((4, 5), (4, 0), (4, 5))  # stands at 20 m, behind somebody who is nearer to the line at 30 m
    behind = np.ones((len(front), 1), bool)
    who = {"in_way": behind, "uid": np.full(behind.shape, 7)}
    for held, holds in ((True, True), (False, False)):
        a = account(front, held_by_signal=np.full(len(front), held), **who)
        assert found("stops_before", a, place_m=30.0, most_gap_m=2.0).holds is holds


def test_driving_past_is_no_stop_and_standing_from_the_start_is_nothing():
    assert found("stops_before", account(drive((10, 5))), place_m=30.0).holds is False
    assert found("stops_before", account(np.full(50, 29.0)), place_m=30.0).holds is None


def test_a_start_is_timed_from_green():
    front = drive((5.6, 5), (6.4, 0), (5, 5))
    colour = np.where(np.arange(len(front)) < 100, RED, GREEN)  # green at 10 s; off at 12 s
    a = account(front, colour=colour, line_s_m=30.0)
    finding = found("starts_within_s", a, most_s=3.0)
    assert finding.holds and finding.score.value == pytest.approx(2.0, abs=0.11)
    assert found("starts_within_s", a, most_s=1.5).holds is False


def test_a_start_is_not_asked_for_while_somebody_is_right_before_it():
    front = drive((5.6, 5), (9.4, 0), (5, 5))  # green at 10 s; off at 15 s
    colour = np.where(np.arange(len(front)) < 100, RED, GREEN)
    a = account(front, colour=colour, line_s_m=30.0)
    assert found("starts_within_s", a, most_s=3.0).holds is False
    crosses = np.zeros((len(front), 1), bool)
    crosses[100:130] = True
    finding = found("starts_within_s", replace(a, in_way=crosses), most_s=3.0)
    assert finding.holds and finding.score.value == pytest.approx(2.0, abs=0.11)


def test_a_lamp_that_never_turns_green_says_nothing_of_the_start():
    a = account(drive((5.6, 5), (6.4, 0)), colour=RED, line_s_m=30.0)
    assert found("starts_within_s", a, most_s=3.0).holds is None


def test_a_start_after_an_act_holds_for_who_is_moving_and_not_for_who_never_does():
    act = np.where(np.arange(101) < 50, 0, 1)
    moving, standing = account(drive((10, 5)), actors=[{"act": act}]), account(np.zeros(101), actors=[{"act": act}])
    asked = {"after": "act", "actor": "one", "act": "goes", "most_s": 4.0}
    assert found("starts_within_s", moving, **asked).score.value == 0.0
    assert found("starts_within_s", standing, **asked).holds is False


def test_a_creep_is_what_is_rolled_on_red_after_a_stand():
    front = drive((5.4, 5), (3, 0), (1.5, 0.6), (2, 0), (5, 5))  # stands at 27 m, creeps to 27.9 m
    ticks = np.arange(len(front))
    a = account(front, colour=np.where(ticks < 119, RED, GREEN), line_s_m=28.5)
    assert found("creeps", a, least_m=0.5).score.value == pytest.approx(0.9, abs=0.1)
    assert not found("creeps", a, least_m=1.5).holds
    rolls = drive((5.4, 5), (5, 0.2), (5, 5))  # never quite stands, and rolls on for 1 m
    turns = np.where(np.arange(len(rolls)) < 104, RED, GREEN)
    assert found("creeps", account(rolls, colour=turns, line_s_m=28.5), least_m=0.5).holds
    assert found("creeps", account(front, colour=RED, line_s_m=27.5), least_m=0.5).holds is False  # over the line
    assert found("creeps", account(front, colour=GREEN, line_s_m=28.5), least_m=0.5).holds is None


def crossing(from_tick, to_tick, ticks=201, s_m=32.0):
    """A walker who is 6 m right of the way, crosses it between two ticks and stays 6 m left of it."""
    left = np.interp(np.arange(ticks), [from_tick, to_tick], [-6.0, 6.0])
    return {"s_m": s_m, "left_m": left, "yaw_rad": np.pi / 2, "size_m": (0.4, 0.5)}


def test_waiting_means_passing_the_place_after_the_way_is_free():
    waits = account(drive((5.6, 5), (6.4, 0), (8, 5)), actors=[crossing(40, 100)])  # passes 30 m at 12.4 s
    drives = account(drive((20, 5)), actors=[crossing(40, 100)])  # passes at 6 s
    assert found("waits_for", waits, actor="one", place_m=30.0).holds
    finding = found("waits_for", drives, actor="one", place_m=30.0)
    assert finding.holds is False
    # Out of the way when its outline (0.2 m to the side) leaves 0.94 + 0.2 m: at 1.34 m left, tick 76.7.
    assert finding.score.value == pytest.approx(-1.7, abs=0.2)


def test_one_may_roll_on_slowly_while_the_last_of_it_leaves_but_not_before_it_comes():
    """He is in the way from 6.3 to 7.7 s; 1 m short of it, 30.75 m, is passed at 6.9 s: 0.6 m or 6 m are rolled on."""
    slow, fast = drive((6, 5), (8, 0.8), (6, 5)), drive((6.1, 4.9), (13.9, 6))
    assert found("waits_for", account(slow, actors=[crossing(40, 100)]), actor="one", place_m=29.5).holds
    assert found("waits_for", account(fast, actors=[crossing(40, 100)]), actor="one", place_m=29.5).holds is False
    assert found("waits_for", account(slow, actors=[crossing(85, 130)]), actor="one", place_m=29.5).holds is False


def test_who_waits_beyond_the_place_but_before_the_others_way_has_waited():
    front = drive((7.6, 5), (4.4, 0), (8, 5))  # passes 30 m at 6 s, stands at 38 m till 12 s
    far = account(front, actors=[crossing(60, 110, s_m=42.0)])  # its outline begins at 41.75 m, free by 9.1 s
    assert found("waits_for", far, actor="one", place_m=30.0).holds
    near = account(front, actors=[crossing(60, 110, s_m=37.0)])
    assert found("waits_for", near, actor="one", place_m=30.0).holds is False


def test_of_who_comes_over_on_a_slant_only_what_is_over_the_way_counts():
    """The upright box around it comes over the way with a corner that is empty: at 36.0 m, 3 m before its side."""
    front = drive((7.6, 5), (6.4, 0), (6, 5))  # stands at 38 m till 14 s
    slant = {"s_m": np.linspace(29.6, 53.6, 201), "left_m": np.linspace(12.0, -12.0, 201), "yaw_rad": -np.pi / 4}
    # Its right side comes over the way, 1.14 m left of the middle, at 39.2 m: the ego stands 1.2 m before that.
    assert found("waits_for", account(front, actors=[slant]), actor="one", place_m=30.0).holds
    assert found("waits_for", account(drive((20, 5)), actors=[slant]), actor="one", place_m=30.0).holds is False


def test_who_joins_from_the_far_side_is_out_of_the_way_once_he_drives_on_along_it():
    """In a roundabout he first comes over what lies beyond: he joins where he turns along the way, at 33 m."""
    ticks = np.arange(201)
    car = {
        "s_m": np.interp(ticks, [40, 45, 60, 160], [48.0, 44.0, 33.0, 83.0]),
        "left_m": np.interp(ticks, [20, 40, 45, 60], [12.0, 1.5, 4.0, 0.0]),
        "yaw_rad": np.interp(ticks, [40, 50, 60], [-2.3, -2.0, 0.0]),
    }
    # By 7.6 s its rear is 5 m beyond where it joined; the ego is 1 m short of its rear there, 29.75 m, at 8.95 s, or
    # drives up behind it at 5.95 s.
    waits, drives = drive((5, 5), (3, 0), (12, 5)), drive((20, 5))
    assert found("waits_for", account(waits, actors=[car]), actor="one", place_m=27.0).holds
    assert found("waits_for", account(drives, actors=[car]), actor="one", place_m=27.0).holds is False


def test_who_comes_only_later_was_not_waited_for_and_who_never_comes_says_nothing():
    later = account(drive((20, 5)), actors=[crossing(70, 130)])
    assert found("waits_for", later, actor="one", place_m=30.0).holds is False
    ages = account(drive((20, 5)), actors=[crossing(110, 170)])  # in the way from 13.4 s on, the ego passed at 6 s
    assert found("waits_for", ages, actor="one", place_m=30.0).holds is None
    never = account(drive((20, 5)), actors=[{"s_m": 32.0, "left_m": -6.0}])
    assert found("waits_for", never, actor="one", place_m=30.0).holds is None


def test_a_car_that_drives_on_ahead_is_out_of_the_way_once_it_has_gone_on():
    front = drive((5, 5), (6, 0), (9, 5))  # stands at 25 m till 11 s, passes 30 m at 12 s
    on = account(front, actors=[{"s_m": 28.0 + 0.4 * np.arange(len(front))}])
    assert found("waits_for", on, actor="one", place_m=30.0).holds
    near = account(drive((20, 5)), actors=[{"s_m": 20.0 + 0.25 * np.arange(201)}])  # 5 m/s, close ahead
    assert found("waits_for", near, actor="one", place_m=30.0).holds is False


def test_waiting_for_an_act_and_for_all_of_a_row():
    front = drive((5.6, 5), (6.4, 0), (8, 5))  # passes 30 m at 12.4 s
    ticks = np.arange(len(front))
    row = [{"act": np.where(ticks < 60, 0, 1)}, {"act": np.where(ticks < 110, 0, 1)}]
    assert found("waits_for", account(front, actors=row), actor="row", act="goes", place_m=30.0).holds
    row[1] = {"act": np.where(ticks < 150, 0, 1)}
    assert found("waits_for", account(front, actors=row), actor="row", act="goes", place_m=30.0).holds is False


def test_going_first():
    ego = drive((20, 5))  # passes 50 m at 10 s
    slow, quick = (60.0 + sign * v * 0.1 * np.arange(201) for sign, v in ((-1, 0.5), (-1, 2.0)))
    assert found("goes_before", account(ego, actors=[{"s_m": slow}]), actor="one", place_m=50.0).holds  # there at 20 s
    assert not found("goes_before", account(ego, actors=[{"s_m": quick}]), actor="one", place_m=50.0).holds  # at 5 s


def test_standing_near_somebody_counts_unless_a_lamp_or_others_hold_the_ego():
    front = drive((4, 5), (6, 0), (10, 5))
    a = account(front, actors=[{"s_m": 30.0, "left_m": -4.0}])
    finding = found("does_not_stop_for", a, actor="one")
    assert type(finding.holds) is bool
    assert finding.holds is False and finding.score.value == pytest.approx(5.9, abs=0.2)
    lamp = account(front, actors=[{"s_m": 30.0, "left_m": -4.0}], held_by_signal=np.ones(len(front), bool))
    assert found("does_not_stop_for", lamp, actor="one").holds
    other = np.zeros((len(front), 1), bool)
    other[:, 0] = True
    blocked = account(front, actors=[{"s_m": 30.0, "left_m": -4.0}], in_way=other, uid=np.full(other.shape, 7))
    assert found("does_not_stop_for", blocked, actor="one").holds
    assert found("does_not_stop_for", account(np.zeros(50), actors=[{"s_m": 90.0}]), actor="one").holds is None


def test_a_hand_is_obeyed_by_a_stand_in_time_and_in_reach_until_it_is_done():
    ticks = np.arange(251)
    hand = {"s_m": 40.0, "left_m": -2.0, "act": np.where(ticks < 30, 0, np.where(ticks < 140, 1, 2))}
    asked = {"actor": "one", "act": "goes", "least_gap_m": 2.0, "most_gap_m": 20.0, "most_s": 8.0}
    stands = account(drive((6, 5), (9, 0), (10, 5)), actors=[hand])  # at 30 m from 6 s to 15 s
    assert found("stops_for_hand", stands, **asked).score.value == pytest.approx(10.0, abs=0.1)
    early = account(drive((6, 5), (4, 0), (15, 5)), actors=[hand])  # goes at 10 s, the hand ends at 14 s
    assert found("stops_for_hand", early, **asked).holds is False
    twice = account(
        drive((4, 5), (2, 0), (2, 3), (9, 0), (8, 5)), actors=[hand]
    )  # for somebody else, then for the hand
    assert found("stops_for_hand", twice, **asked).score.value == pytest.approx(14.0, abs=0.2)
    creeps = account(drive((4, 5), (2, 0), (8, 1), (11, 5)), actors=[hand])
    assert found("stops_for_hand", creeps, **asked).holds is False
    passes = account(drive((25, 5)), actors=[hand])
    assert found("stops_for_hand", passes, **asked).holds is False
    far = account(drive((3, 5), (22, 0)), actors=[hand])  # stands 25 m before it
    assert found("stops_for_hand", far, **asked).holds is False
    idle = account(drive((25, 5)), actors=[{"s_m": 40.0}])
    assert found("stops_for_hand", idle, **asked).holds is None


def test_backing_up_is_metres_driven_backwards():
    a = account(drive((4, 5), (3, -1.5), (5, 5)))
    assert found("backs_up", a, least_m=4.0).score.value == pytest.approx(4.5, abs=0.2)
    assert found("backs_up", account(drive((10, 5))), least_m=0.2).holds is False


def test_a_side_is_where_the_actor_was_when_abreast():
    a = account(drive((12, 5)), actors=[{"s_m": 25.0, "left_m": -2.2}])
    assert found("passes", a, actor="one", side="right").holds
    assert found("passes", a, actor="one", side="left").holds is False
    assert found("passes", account(drive((3, 5)), actors=[{"s_m": 25.0}]), actor="one").holds is False
    both = account(drive((12, 5)), actors=[{"s_m": 25.0, "left_m": -2.2}, {"s_m": 35.0, "left_m": 2.2}])
    assert found("passes", both, actor="row", side="right").holds is False


def test_the_gap_to_a_leader_is_from_bumper_to_bumper():
    front = drive((20, 5))
    lead = {"s_m": 10.0 + 2.25 + front}
    assert found("stays_behind", account(front, actors=[lead]), actor="one", least_gap_m=9.0).score.value == 10.0
    parked = {"s_m": 30.0, "left_m": -0.5}
    assert found("stays_behind", account(front, actors=[parked]), actor="one").holds is False
    beside = {"s_m": 30.0, "left_m": 3.4}
    assert found("stays_behind", account(front, actors=[beside]), actor="one").holds is None


def test_comfort_is_judged_on_the_smoothed_motion():
    t = np.arange(150) * 0.1
    gentle = account(np.cumsum(np.clip(10.0 - np.clip(t - 5.0, 0, None) * 2.0, 0, None)) * 0.1)  # 2 m/s²
    assert found("comfortable", gentle, most_braking_mps2=2.6, most_jerk_mps3=8.0).holds
    hard = account(np.cumsum(np.clip(10.0 - np.clip(t - 5.0, 0, None) * 6.0, 0, None)) * 0.1)
    finding = found("comfortable", hard, most_braking_mps2=4.0, most_jerk_mps3=30.0)
    assert finding.holds is False and finding.score.value == pytest.approx(6.0, abs=0.3)
    assert found("comfortable", account(np.zeros(100))).holds is None


def test_the_kerb_stop_is_judged_where_the_ride_ends():
    arrived = drive((39.2, 5), (2, 0))
    assert found("kerb_stop", account(arrived)).holds  # 0.3 m from the kerb, straight
    assert not found("kerb_stop", account(arrived, kerb_gap_m=0.9)).holds
    assert not found("kerb_stop", account(arrived, yaw_rad=np.full(len(arrived), 0.1))).holds
    assert not found("kerb_stop", account(arrived, kerb_gap_m=float("nan"))).holds
    assert not found("kerb_stop", account(drive((10, 5), (2, 0)))).holds  # 150 m short of the goal
    assert END_S_M - arrived[-1] < 12.0


def test_pulling_out_asks_that_nobody_behind_brakes_hard():
    front = drive((3, 0), (10, 4))
    left = np.interp(np.arange(len(front)), [30, 60], [-2.4, 0.0])
    assert found("pulls_out", account(front, left_m=left)).holds
    braking = np.zeros(len(front))
    braking[50] = 4.0
    assert found("pulls_out", account(front, left_m=left, braking_behind_mps2=braking)).holds is False
    before = np.zeros(len(front))
    before[10] = 4.0  # nothing to do with an ego that stands
    assert found("pulls_out", account(front, left_m=left, braking_behind_mps2=before)).holds
    assert found("pulls_out", account(np.zeros(60), left_m=-2.4)).holds is False
    assert found("pulls_out", account(front, left_m=-2.4)).holds is False


def test_the_wrong_way_is_measured_in_metres():
    front = drive((20, 5))
    error = np.where((np.arange(201) >= 20) & (np.arange(201) < 80), np.pi, 0.0)  # 6 s at 5 m/s
    assert found("no_wrong_way", account(front, heading_error_rad=error)).holds
    assert not found("no_wrong_way", account(front, heading_error_rad=error), beyond_m=20.0).holds


def test_a_touch_counts_whoever_is_to_blame():
    a = account(drive((5, 5)), actors=[{"s_m": 10.0}])
    assert found("no_contact", a, actor="one").holds
    touching = a.touching.copy()
    touching[20, 0] = True
    assert (
        found("no_contact", account(drive((5, 5)), actors=[{"s_m": 10.0}], touching=touching), actor="one").holds
        is False
    )


def test_nothing_to_judge_by_is_never_a_pass():
    score = found("creeps", account(drive((10, 5)))).score
    unknown, held, broken = (Finding("x", holds, score) for holds in (None, True, False))
    assert outcome_of([held, held]) is Outcome.PASS
    assert outcome_of([held, unknown]) is Outcome.INVALID
    assert outcome_of([held, unknown, broken]) is Outcome.FAIL
    assert outcome_of([]) is Outcome.INVALID


def test_a_row_is_all_whose_names_go_on_with_a_number():
    cast = Cast({"row-1": 3, "row-2": 4, "row-end": 5, "one": 0}, {"row": ("a", "b")})
    assert cast.members("row") == [3, 4]
    assert cast.members("nobody") == []
    assert cast.act("row", "b") == 1


def verdict(*checks, arrived=False, counted=()):
    """The verdict on a ride of 3 s at 5 m/s, for some checks (name, values)."""
    ride = account(drive((3, 5)))
    track = SimpleNamespace(column=lambda name: getattr(ride, name))
    judgement = SimpleNamespace(
        arrived=arrived, reason="called off", duration_s=3.0, progress_m=15.0, route_m=END_S_M, events=counted,
        counted=counted, track=track,
    )  # fmt: skip
    asked = [SimpleNamespace(name=name, values=values) for name, values in checks]
    return judged(SimpleNamespace(anchor_s_m=60.0, actors={}, acts={}, checks=asked), judgement, ride)


def test_a_ride_that_does_not_arrive_fails_and_says_why():
    failed = verdict(("arrives", {}), ("time_limit_s", {"most_s": 60.0}), ("no_off_road", {}))
    assert failed.outcome is Outcome.FAIL
    assert [f.holds for f in failed.findings] == [False, True, True]
    assert "called off" in failed.broken[0]


def test_an_intervention_fails_a_ride_and_is_its_evidence():
    event = Event(rules.OFF_ROAD, 1_000_000_000, 2_000_000_000, "0.20 m")
    failed = verdict(("arrives", {}), ("no_off_road", {}), ("no_red_line", {}), arrived=True, counted=(event,))
    assert [f.holds for f in failed.findings] == [True, False, True]
    assert failed.findings[1].score.from_ns == 1_000_000_000


def test_checks_on_an_actor_that_is_not_there_are_left_out():
    passed = verdict(("intervention_free", {}), ("no_contact", {"actor": "ghost"}), ("no_contact", {}))
    assert [f.check for f in passed.findings] == ["intervention_free", "no_contact"]
    assert passed.passed


def test_an_unknown_check_is_refused():
    with pytest.raises(ValueError, match="no check 'flies'"):
        verdict(("flies", {}))
