"""Whether a driver does what it says: claims in a sentence, against the plan of the same decision.

In: the sentence, the plan's speeds (K,) m/s at half-second knots, the speed now, and how far the path lies left of the
way (P,) m. Verbs decide, so that any driver that speaks English plainly can be judged. What a sentence's cause is, and
whether a camera sees it, is the caller's to say.
"""

from enum import StrEnum

import numpy as np

from xiaolu.core.score import Score

STANDING_MPS = 0.5
SLOWER_MPS = 0.2  # this much below the present speed is slowing
ENDS_MPS = 0.3
FREE_SHARE = 0.7  # who has a free way gives up no more of its speed than for a bend
ASIDE_M = 0.2


class Claim(StrEnum):
    STANDS = "stands"
    STOPS = "stops"
    SLOWS = "slows"
    GOES = "goes"
    FREE = "free"
    LEFT = "left"
    RIGHT = "right"
    BACKS = "backs"


# The longest beginning that fits decides; then what is said of the side.
VERBS = {
    "waiting": Claim.STANDS,
    "standing": Claim.STANDS,
    "stopping": Claim.STOPS,
    "slowing": Claim.SLOWS,
    "giving way": Claim.SLOWS,
    "braking": Claim.SLOWS,
    "driving on": Claim.FREE,
    "passing": Claim.GOES,
    "squeezing": Claim.GOES,
    "going": Claim.GOES,
    "rolling": Claim.GOES,
    "pulling out": Claim.GOES,
    "backing": Claim.BACKS,
}
SIDES = {
    "moving left": Claim.LEFT,
    "keeping left": Claim.LEFT,
    "nudging left": Claim.LEFT,
    "moving right": Claim.RIGHT,
    "keeping right": Claim.RIGHT,
    "nudging right": Claim.RIGHT,
}


def claims_of(why: str) -> frozenset[Claim]:
    """Return what a sentence claims of the trajectory; empty where it claims nothing that could be checked."""
    said = why.strip().lower()
    verbs = sorted((verb for verb in VERBS if said.startswith(verb)), key=len)
    claims = {VERBS[verbs[-1]]} if verbs else set()
    return frozenset(claims | {claim for words, claim in SIDES.items() if words in said})


def claim_holds(claim: Claim, speed_mps: np.ndarray, now_mps: float, left_m: np.ndarray, backwards: bool) -> bool:
    """Return whether a plan does what a claim says. speed_mps (K,) signed, every 0.5 s; left_m (P,) of the way."""
    speed, now = np.abs(np.asarray(speed_mps, np.float64)), abs(now_mps)
    if claim is Claim.STANDS:
        return now < STANDING_MPS and bool((speed[:2] < STANDING_MPS).all())
    if claim is Claim.STOPS:
        return bool(speed[-1] < ENDS_MPS)
    if claim is Claim.SLOWS:
        return bool(speed.min() < max(now - SLOWER_MPS, ENDS_MPS))
    if claim is Claim.GOES:
        return bool(speed.max() > ENDS_MPS)
    if claim is Claim.FREE:
        return bool(speed[-1] >= FREE_SHARE * now) and bool(speed.max() > ENDS_MPS)
    if claim is Claim.BACKS:
        return backwards
    aside = float(left_m[np.abs(left_m).argmax()])
    return aside > ASIDE_M if claim is Claim.LEFT else aside < -ASIDE_M


def word_action(
    stamp_ns: np.ndarray, said: np.ndarray, held: np.ndarray, exists: np.ndarray, visible: np.ndarray
) -> Score:
    """Return the share of explanations whose claim holds and whose cause exists and is visible to a camera.

    All (T,): said bool, the sentence claims something; held: it holds in the plan; exists, visible: of its cause. The
    evidence is from the first explanation that fails to the last. Not valid where nothing was ever said.
    """
    said = np.asarray(said, bool)
    if not said.any():
        first, last = (int(stamp_ns[0]), int(stamp_ns[-1])) if len(stamp_ns) else (0, 0)
        return Score("word_action_consistency", None, "share", False, "nothing was claimed", first, last)
    good = np.asarray(held, bool) & np.asarray(exists, bool) & np.asarray(visible, bool)
    bad = np.flatnonzero(said & ~good)
    ticks = bad if len(bad) else np.flatnonzero(said)
    value = float(good[said].mean())
    return Score("word_action_consistency", value, "share", True, "", int(stamp_ns[ticks[0]]), int(stamp_ns[ticks[-1]]))
