"""Leaderboard-style scores against cases worked out by hand."""

import numpy as np
import pytest

from xiaolu.core.episode import Event
from xiaolu.core.users import Kind
from xiaolu.measures.leaderboard import (
    Infractions,
    completed,
    driving_score_20,
    driving_score_21,
    infraction_score_20,
    infraction_score_21,
    infractions_of,
    success,
)


def test_version_2_1_divides() -> None:
    # One vehicle (0.7), two red lights (0.8), half of the traffic's speed once (0.4 x 0.5 = 0.2): 1 + 1.7 = 2.7.
    # A tenth of the way outside: 0.9 / 2.7 = 1/3. Half of the route: 100 x 0.5 / 3 = 16.67.
    found = Infractions({"vehicle": 1, "red_light": 2}, 0.1, (0.5,))
    assert infraction_score_21(found) == pytest.approx(1.0 / 3.0)
    assert driving_score_21(200.0, 400.0, found).value == pytest.approx(50.0 / 3.0)


def test_version_2_0_multiplies() -> None:
    # 0.6 x 0.7 x 0.7 = 0.294; three quarters of the route: 22.05.
    found = Infractions({"vehicle": 1, "red_light": 2})
    assert infraction_score_20(found) == pytest.approx(0.294)
    assert driving_score_20(300.0, 400.0, found).value == pytest.approx(22.05)


def test_a_clean_whole_ride_is_a_hundred_and_a_success() -> None:
    assert driving_score_21(398.0, 400.0, Infractions()).value == pytest.approx(100.0)
    assert success(398.0, 400.0, Infractions(minimum_speed=(0.2,))).value == 1.0
    assert success(398.0, 400.0, Infractions({"static": 1})).value == 0.0
    assert success(380.0, 400.0, Infractions()).value == 0.0


@pytest.mark.parametrize(
    ("progress_m", "route_m", "whole"), [(99.5, 100.0, True), (98.5, 100.0, False), (1989.0, 2000.0, False)]
)
def test_complete_is_more_than_99_percent_and_within_ten_metres(progress_m: float, route_m: float, whole: bool) -> None:
    assert completed(progress_m, route_m) is whole


def test_no_route_is_no_score() -> None:
    score = driving_score_21(0.0, 0.0, Infractions())
    assert not score.valid and score.value is None and "0.0 m" in score.why


def test_an_unknown_infraction_is_named() -> None:
    with pytest.raises(ValueError, match="jaywalking unknown; known are pedestrian"):
        Infractions({"jaywalking": 1})


def test_what_a_ride_is_charged_with() -> None:
    # A walker, a van and a cone touched, one red light, stuck in the end; 10 of 50 m outside the lane.
    contacts = [Event("contact", 0, 0, f"uid {uid}") for uid in (3, 4, 5)]
    kinds = {3: Kind.CHILD, 4: Kind.VAN, 5: Kind.OBJECT}
    outside = np.arange(50) < 10
    found = infractions_of(contacts, kinds, 1, outside, np.ones(50), "stuck")
    assert found.counts == {"pedestrian": 1, "vehicle": 1, "static": 1, "red_light": 1, "timeout": 1}
    assert found.outside_share == pytest.approx(0.2)
    # 0.8 / (1 + 1.0 + 0.7 + 0.6 + 0.4 + 0.4) = 0.8 / 4.1; 0.8 x 0.5 x 0.6 x 0.65 x 0.7 x 0.7.
    assert infraction_score_21(found) == pytest.approx(0.8 / 4.1)
    assert infraction_score_20(found) == pytest.approx(0.8 * 0.5 * 0.6 * 0.65 * 0.7 * 0.7)
    assert infractions_of([], {}, 0, outside[:0], np.empty(0), "arrived") == Infractions()
