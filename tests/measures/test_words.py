"""A passenger would lose: being able to believe what the car says it is doing."""

import numpy as np
import pytest

from xiaolu.measures.words import Claim, claim_holds, claims_of, word_action

STRAIGHT = np.zeros(26)


@pytest.mark.parametrize(
    ("why", "claims"),
    [
        ("Stopping for the red light 12 m ahead", {Claim.STOPS}),
        ("Waiting behind the van ahead", {Claim.STANDS}),
        ("Giving way to the e-bike from the right", {Claim.SLOWS}),
        ("Driving on, the way is free", {Claim.FREE}),
        ("Slowing to pass the parked car on the right 9 m ahead, moving left", {Claim.SLOWS, Claim.LEFT}),
        ("Backing up for the van", {Claim.BACKS}),
        ("Following the car 9 m ahead", set()),  # nothing about its own trajectory
        ("", set()),
    ],
)
def test_what_a_sentence_claims(why, claims):
    assert claims_of(why) == claims


def test_a_stop_that_is_said_and_not_planned_is_found():
    on, stop = np.full(10, 6.0), np.linspace(6.0, 0.0, 10)
    assert claim_holds(Claim.STOPS, stop, 6.0, STRAIGHT, False)
    assert not claim_holds(Claim.STOPS, on, 6.0, STRAIGHT, False)
    assert not claim_holds(Claim.SLOWS, on, 6.0, STRAIGHT, False)
    assert not claim_holds(Claim.FREE, stop, 6.0, STRAIGHT, False)
    assert claim_holds(Claim.STANDS, np.zeros(10), 0.1, STRAIGHT, False)
    assert not claim_holds(Claim.STANDS, on, 6.0, STRAIGHT, False)


def test_sides_and_backing():
    left = np.linspace(0.0, 0.8, 26)
    assert claim_holds(Claim.LEFT, np.full(10, 4.0), 4.0, left, False)
    assert not claim_holds(Claim.RIGHT, np.full(10, 4.0), 4.0, left, False)
    assert claim_holds(Claim.RIGHT, np.full(10, 4.0), 4.0, -left, False)
    assert claim_holds(Claim.BACKS, np.full(10, -1.0), 0.0, STRAIGHT, True)


def test_the_share_counts_claims_whose_cause_is_seen():
    # Ten ticks, eight of them say something; one does not do it, one sees no cause, one cannot see it: 5 of 8.
    said = np.arange(10) >= 2
    held, exists, visible = (np.ones(10, bool) for _ in range(3))
    held[3] = exists[5] = visible[7] = False
    held[0] = False  # nothing was said there
    found = word_action(np.arange(10) * 100, said, held, exists, visible)
    assert found.value == pytest.approx(5 / 8) and (found.from_ns, found.to_ns) == (300, 700)


def test_silence_is_not_consistency():
    none = np.zeros(4, bool)
    assert not word_action(np.arange(4), none, ~none, ~none, ~none).valid
