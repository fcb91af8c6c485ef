"""Whose hard braking it was: who drives too fast, or too near, or sees it coming, has nobody to blame."""

import numpy as np
import pytest

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.measures.provoked import Scenes, has_green, provoked_by

T = 60  # ticks; the braking begins at the last
FRONT_M = EGO_BODY.front_x_m
TIME_S = np.arange(T) * 0.1


def scenes(speed_mps, other, *, limit_mps=30.0, length_m=4.6, width_m=1.8, drives=True, green=False):
    """The ego drives along x at a speed, its front at 0 at the last tick; other (T, 4): x, y, yaw, speed of uid 7."""
    x = speed_mps * (TIME_S - TIME_S[-1]) - FRONT_M
    box = np.column_stack([other[:, :3], np.full((T, 2), (length_m, width_m))])
    return Scenes(
        pose=np.column_stack([x, np.zeros(T), np.zeros(T)]),
        speed_mps=np.full(T, speed_mps),
        yaw_rate_radps=np.zeros(T),
        limit_mps=np.full(T, limit_mps),
        uid=np.full((T, 1), 7),
        box=box[:, None],
        user_mps=other[:, 3:],
        drives=np.full((T, 1), drives),
        green=np.full(T, green),
    )


def crossing(speed_mps, meets_s, ahead_m):
    """Comes from the right at a speed, so that its middle is on the ego's line meets_s after the last tick."""
    y = -speed_mps * (meets_s + TIME_S[-1] - TIME_S)
    return np.column_stack([np.full(T, ahead_m), y, np.full(T, np.pi / 2), np.full(T, speed_mps)])


def test_who_runs_a_red_provokes_it_and_who_has_no_green_had_to_see_it_coming():
    """Both at 10 m/s, 1.2 s before they meet. On green the ego may trust the other until he would have to brake harder
    than 3 m/s²: 10² / (2 x 3) = 16.7 m, 1.7 s before. A careful driver then rolls on for 1.15 s, and from 10 m/s he
    needs another 16.7 m: he would not stop either. Without a green he has seen it come for 6 s."""
    coming = crossing(10.0, 1.2, 12.0)
    assert provoked_by(scenes(10.0, coming, green=True), T - 1) == 7
    assert provoked_by(scenes(10.0, coming, green=False), T - 1) == -1
    assert provoked_by(scenes(10.0, coming, green=True, drives=False), T - 1) == -1, "people on foot are not trusted"


@pytest.mark.parametrize(
    ("gap_m", "whose"),
    [
        (6.0, 7),  # 5 m/s nearer: 1.15 s take 5.75 m, and 5² / (2 x 3) = 4.2 m of braking do not fit into 0.25 m
        (14.0, -1),  # 14 - 5.75 = 8.25 m are enough
    ],
)
def test_cutting_in_provokes_it_where_there_is_no_room_left(gap_m, whose):
    """A car at 5 m/s in the next lane, 3 m to the left, comes over at 2 m/s from five ticks before the last."""
    sideways = np.maximum(np.arange(T) - (T - 6), 0) * 0.1 * 2.0
    moves = sideways > 0.0
    x = gap_m + 2.3 - 5.0 + 2.5 + 5.0 * (TIME_S - TIME_S[-1])  # so far before the front, 0.5 s ago at -5 m
    other = np.column_stack([x, 3.0 - sideways, np.where(moves, -np.arctan2(2.0, 5.0), 0.0), np.full(T, 5.0)])
    assert provoked_by(scenes(10.0, other), T - 1) == whose


def lead(gap_m, braking_mps2):
    """At 10 m/s before the ego, which does the same; it brakes for the last second."""
    braked_s = np.maximum(TIME_S - TIME_S[-1] + 1.0, 0.0)
    x = gap_m + 2.3 + 10.0 * (TIME_S - TIME_S[-1]) - 0.5 * braking_mps2 * braked_s**2
    return np.column_stack([x, np.zeros(T), np.zeros(T), 10.0 - braking_mps2 * braked_s])


def test_who_follows_too_near_has_provoked_it_himself():
    """At 10 m/s R157's gap is 1.0 + 0.6 x 8 / 14.67 = 1.33 s, 13.3 m. The one before brakes by 4 m/s² for a second and
    is 6 m/s fast: 13.3 - 2 m are left of the gap, a careful driver is 4 m/s faster and needs 4² / 6 = 2.7 m, and what
    he rolls on before, 4 x 0.15 m. The ego was 5 m behind: that it had to brake is its own doing."""
    assert provoked_by(scenes(10.0, lead(5.0, 4.0)), T - 1) == -1


def test_who_drives_too_fast_has_provoked_it_himself():
    """Somebody is in the way all at once, and stays, 22.5 m ahead two ticks before the last: from 14 m/s nobody stops
    there, who reacts in 1.15 s. At the limit of 8.3 m/s he would: 9.6 m and 8.3² / 6 = 11.5 m."""
    walks = crossing(0.0, 0.0, 22.5 - 2.8 + 0.15)
    walks[:, 1] = np.where(np.arange(T) < T - 3, -3.5, -0.3)
    walker = {"length_m": 0.3, "width_m": 0.5, "drives": False}
    assert provoked_by(scenes(14.0, walks, limit_mps=14.0, **walker), T - 1) == 7
    assert provoked_by(scenes(14.0, walks, limit_mps=8.3, **walker), T - 1) == -1


def test_braking_for_nobody_is_the_egos_own():
    beside = np.column_stack([np.full(T, 8.0), np.full(T, 4.0), np.zeros(T), np.zeros(T)])
    assert provoked_by(scenes(10.0, beside), T - 1) == -1


def test_green_is_had_before_the_line_and_for_a_while_after_it():
    ahead = np.r_[np.arange(60.0, 0.5, -1.0), np.full(120, np.nan)]
    green = np.full(len(ahead), int(LampColour.GREEN))
    had = np.flatnonzero(has_green(ahead, green))
    assert had[0] == 21 and had[-1] == 60 + 79  # 39 m before it; 8 s from the tick on at which it is passed
    assert not has_green(ahead, np.full(len(ahead), int(LampColour.YELLOW))).any()
