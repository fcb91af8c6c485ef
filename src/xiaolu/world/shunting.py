"""Shunting: who stands with its nose against what will not leave drives back until it can steer round it.

Whoever passes something turns as it goes: from too near it cannot. What stands in its way may have come into view late,
or it was kept from pulling out by somebody who has gone since.
"""

from numba import njit

from xiaolu.world.contact import boxes_meet

# Who has stood so long, so close to it: longer than one waits for a gap in those who come; tuned in villages.
WEDGED_S, WEDGED_M = 20.0, 0.5


@njit(cache=True)
def wedged(bodies, users, i):
    """Return what i stands against, a body that does not move by itself; -1 for nothing."""
    j = bodies[i].leader
    if 0 <= j < users and not bodies[j].moving and bodies[i].lead_gap < WEDGED_M and bodies[i].waited > WEDGED_S:
        return j
    return -1


@njit(cache=True)
def room_to_turn(bodies, i, j):
    """Return how much farther, m, i has to drive back to steer round j; 0 where it can.

    Half its length before its nose is free, or all of it where its path leads into j even so.
    """
    half = bodies[i].half_length
    if bodies[i].leader == j and bodies[i].lead_gap < 2.0 * half:
        return 2.0 * half - bodies[i].lead_gap
    x, y = bodies[i].x + 0.5 * half * bodies[i].cos, bodies[i].y + 0.5 * half * bodies[i].sin
    before = boxes_meet(
        x, y, bodies[i].yaw, 1.5 * half, bodies[i].half_width, bodies[j].x, bodies[j].y, bodies[j].yaw,
        bodies[j].half_length, bodies[j].half_width, 0.0, 0.0,
    )  # fmt: skip
    return half if before else 0.0
