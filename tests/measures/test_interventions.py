"""A reader would lose: an honest count of interventions. Each case is one a person can check by reading it."""

import numpy as np

from xiaolu.core.decision import LampColour
from xiaolu.core.episode import Event
from xiaolu.measures import interventions as iv

S = 1_000_000_000


def stamps(ticks: int) -> np.ndarray:
    return np.arange(ticks) * (S // 10)


def test_contacts_by_ego_and_by_user_and_the_same_body_twice():
    uid = np.tile([7, 8], (200, 1))
    touching, by_user = np.zeros((200, 2), bool), np.zeros((200, 2), bool)
    touching[10:12, 0] = touching[40, 0] = touching[150, 0] = True  # 2.9 s apart: one; 11 s later: another
    touching[60, 1] = by_user[60, 1] = True
    found = iv.contacts(stamps(200), uid, touching, by_user)
    assert [(e.kind, e.from_ns) for e in found] == [
        (iv.CONTACT, 1 * S),
        (iv.CONTACT_BY_USER, 6 * S),
        (iv.CONTACT, 15 * S),
    ]
    assert [e.from_ns for e in iv.interventions(found)] == [1 * S, 15 * S]


def test_one_wheel_is_enough_and_a_tyre_on_the_edge_is_not():
    wheels = np.zeros((30, 4))
    wheels[5, 2] = 0.04
    wheels[20:23, 1] = 0.3
    found = iv.off_road(stamps(30), wheels)
    assert [(e.from_ns, e.to_ns, e.detail) for e in found] == [(2 * S, 22 * S // 10, "0.30 m")]


def test_the_line_on_red_but_not_on_green_nor_turning_right_nor_when_a_new_line_comes_into_view():
    ahead = np.array([3.0, 2.0, 1.0, 0.0, -1.0, -2.0, 40.0, 39.0])
    red, none = np.full(8, LampColour.RED), np.zeros(8, bool)
    assert [e.from_ns for e in iv.red_line(stamps(8), ahead, red, none)] == [3 * S // 10]
    assert not iv.red_line(stamps(8), ahead, np.full(8, LampColour.YELLOW), none)
    assert not iv.red_line(stamps(8), ahead, red, ~none)
    assert not iv.red_line(stamps(8), np.array([3, 2, 1, 0.5, np.nan, np.nan, -9, -9.0]), red, none)
    assert not iv.red_line(stamps(3), np.array([20.0, -3.0, -4.0]), red[:3], none[:3])


def test_wrong_way_is_a_stretch_not_a_moment():
    speed = np.full(200, 5.0)
    error, overtakes = np.zeros(200), np.zeros(200, bool)
    error[20:60] = np.pi  # 20 m: passing a stopped car
    assert not iv.wrong_way(stamps(200), error, speed, overtakes)
    error[20:140] = np.pi  # 60 m
    found = iv.wrong_way(stamps(200), error, speed, overtakes)
    assert [(e.from_ns, e.to_ns) for e in found] == [(2 * S, 139 * S // 10)]
    overtakes[30:90] = True  # 30 m beside riders who go its way, 30 m of wrong way besides
    assert not iv.wrong_way(stamps(200), error, speed, overtakes)
    overtakes[60:90] = False  # 45 m besides
    assert len(iv.wrong_way(stamps(200), error, speed, overtakes)) == 1


def test_vulnerable_users():
    t, far = 50, np.full((50, 1), np.inf)
    uid, yes = np.zeros((t, 1), int), np.ones((t, 1), bool)
    fast, slow = np.full(t, 9.0), np.full(t, 0.5)
    near = far.copy()
    near[10] = 0.5
    assert len(iv.vulnerable_too_close(stamps(t), uid, near, far, fast, yes, yes)) == 1  # 0.93 m needed at 9 m/s
    assert not iv.vulnerable_too_close(stamps(t), uid, near, far, np.full(t, 3.0), yes, yes)  # 0.28 at 3 m/s
    assert not iv.vulnerable_too_close(stamps(t), uid, near, far, fast, yes, ~yes)  # it overtakes us
    near[10] = 0.02
    assert not iv.vulnerable_too_close(stamps(t), uid, near, far, slow, yes, yes)  # people pass a waiting car
    soon = far.copy()
    soon[30] = 0.9
    assert len(iv.vulnerable_too_close(stamps(t), uid, far, soon, fast, yes, yes)) == 1
    assert not iv.vulnerable_too_close(stamps(t), uid, far, soon, fast, ~yes, yes)  # on the pavement


def test_the_least_gap_grows_with_speed_as_recorded():
    # Between 4.5 and 9 m/s: 0.44 + (6 - 4.5) / 4.5 * 0.49 = 0.603.
    assert np.allclose(
        iv.required_clearance_m(np.array([0.5, 1.0, 3.0, 6.0, 12.0])), [0.01, 0.01, 0.28, 0.603, 0.93], atol=1e-3
    )


def test_braking_stuck_and_missed():
    accel = np.zeros(100)
    accel[50:55] = -5.5
    accel[70] = -4.9
    assert len(iv.hard_braking(stamps(100), accel)) == 1
    speed, free = np.zeros(700), np.ones(700, bool)
    free[:350] = False  # 35 s behind a red light, then 35 s for nothing
    assert [e.from_ns for e in iv.stuck(stamps(700), speed, free)] == [35 * S]
    assert not iv.stuck(stamps(700), speed, free & (np.arange(700) < 600))
    away = np.r_[np.linspace(0, 6, 50), np.linspace(6, 0, 50)]
    assert len(iv.missed_manoeuvre(stamps(100), away)) == 1


def test_one_event_in_a_window_whose_distance_does_not_count():
    events = [Event(iv.OFF_ROAD, 5 * S, 6 * S), Event(iv.CONTACT, 9 * S, 9 * S), Event(iv.RED_LINE, 20 * S, 20 * S)]
    counted = iv.interventions(events)
    assert [e.kind for e in counted] == [iv.OFF_ROAD, iv.RED_LINE]
    own = iv.distance_outside_windows_m(stamps(400), np.full(400, 10.0), [e.from_ns for e in counted])
    assert own == 400.0 - 200.0  # 40 s at 10 m/s, less two windows of 10 s
