"""A passenger would lose trust: words that say the opposite of what the car does."""

import numpy as np
import pytest

from tests.expert.loop import drive, people
from tests.expert.test_teacher import heads, start_of
from xiaolu.core.decision import Cause, LampColour
from xiaolu.core.users import Kind
from xiaolu.expert.reasons import Reason, sentence
from xiaolu.measures.words import claim_holds, claims_of

GIVES_UP = ("Slowing", "Stopping", "Giving way")


@pytest.mark.parametrize("cause", list(Cause))
def test_only_who_slows_is_said_to_slow_and_only_who_stands_to_wait(cause):
    reason = Reason(cause, "thing", 7.0, "left")
    assert not sentence(reason, standing=False, stopping=False, slowing=False).startswith(GIVES_UP)
    assert not sentence(reason, standing=False, stopping=True, slowing=True).startswith("Waiting")
    assert sentence(None, standing=False, stopping=False, slowing=True) != sentence(None, False, False, False)


def test_a_stop_beyond_the_plan_is_not_said_yet():
    """The goal is 30 m ahead: the coming seconds only slow for it."""
    goal = Reason(Cause.ARRIVAL, "destination", 30.0)
    assert sentence(goal, standing=False, stopping=False, slowing=True) == "Slowing for the destination 30 m ahead"
    assert sentence(goal, standing=False, stopping=True, slowing=True) == "Stopping for the destination 30 m ahead"


def test_nobody_is_said_to_be_given_way_to_where_only_the_place_asks_for_care():
    junction = Reason(Cause.RIGHT_OF_WAY, "blind junction", 9.0)
    assert sentence(junction, False, False, True) == "Slowing for the blind junction 9 m ahead"
    car = Reason(Cause.RIGHT_OF_WAY, "car", 9.0, "left", uid=3)
    assert sentence(car, False, False, True) == "Giving way to the car from the left"


def test_in_a_ride_no_words_contradict_the_plan_they_come_with(ways):
    """Past a parked car, behind a walker who crosses, up to a red line."""

    def users(time: float):
        walker = (Kind.PEDESTRIAN, -45.0, -7.0 + 1.2 * max(time - 6.0, 0.0), np.pi / 2, 1.2)
        return people((Kind.CAR, -70.0, -2.7, 0.0, 0.0), walker)

    teacher = ways("Win", "Eout", 40.0)
    trace = drive(teacher, start_of(teacher), 34.0, users, colour=heads(teacher, LampColour.RED))
    said = set()
    for decision, speed in zip(trace.decisions, trace.speed_mps, strict=True):
        plan, words = decision.plan.speed_mps, decision.why
        said.add(words.split()[0])
        for claim in claims_of(words):
            assert claim_holds(claim, plan, speed, np.zeros(1), False), (words, speed, plan)
        if words.startswith("Driving on"):
            assert plan[:8].min() > speed - 0.5, (words, speed, plan)
    assert {"Slowing", "Stopping", "Waiting"} <= said
