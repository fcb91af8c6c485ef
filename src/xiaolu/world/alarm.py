"""Alarm: how people take it that the ego does what they had not to reckon with.

Whoever has right of way trusts that the other gives it. That the ego will not is to be seen when it would have to
brake harder than drivers do who let somebody go first (`ALARM_MPS2`), when it takes hard braking not to run into it, or
when outlines are about to meet. From then on a user's reaction time runs: only then it gives up its right, and brakes
as hard as it can (`startled`). Until then it does what it would have done. Whoever looks away is not alarmed. What has
just come into sight has been seen for the reaction time already when it is perceived.
"""

from numba import njit

from xiaolu.core.rates import TICK_S
from xiaolu.world.looking import perceives

ALARM_MPS2 = 2.1  # 95 % of those who let somebody on foot go first brake no harder (DUT)
CALM_S = 2.0  # so long one stays on guard once there is no cause any more, tuned by eye


@njit(cache=True)
def presses_on(bodies, e, front):
    """Return whether the ego, e, brakes too late to be taken for one who gives way; front: from its bumper, m."""
    return bodies[e].speed * bodies[e].speed > 2.0 * ALARM_MPS2 * max(front - 0.2, 0.05)


@njit(cache=True)
def take_in(table, bodies, o, users, away):
    """Let the time run for which every user has been alarmed by the ego. away (users,): who looks away."""
    for i in range(users):
        if not bodies[i].moving:
            continue
        reaction_s, alarmed_s = table.row[o + i].reaction_s, table.row[o + i].alarmed_s
        if not perceives(table, o, users, i, users):
            alarmed_s = reaction_s
        elif bodies[i].alarmed and not away[i]:
            alarmed_s = min(alarmed_s + TICK_S, reaction_s + CALM_S)
        else:
            alarmed_s = max(alarmed_s - TICK_S, 0.0)
        table.row[o + i].alarmed_s = alarmed_s
