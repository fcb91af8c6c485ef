"""Waiting: who waits for whom in a ring, and who of them is waved through.

Right of way is settled between two at a time, so three or more may each wait for the next. Once they all stand, the
one among them who has nobody close in front of it is let through: the one who has waited longest. It stays so until it
has got going (`WAVED`). Nobody can know whom a standing ego waits for: after a while those who wait for it are let
through as if it closed the ring.
"""

import numpy as np
from numba import njit

from xiaolu.world.temper import STANDSTILL_GAP_M

WAVED = -3  # as a body's `waits_for`: it waits for nobody, the others have let it go first
RING = 8  # bodies at most that wait for each other in a ring
RING_S = 3.0  # so long they stand before one is waved through
EGO_RING_S = 6.0  # and so long where it is the ego that the last of them waits for; tuned by eye
GOING_MPS = 1.0  # once it is as fast as this it has got going


@njit(cache=True)
def ring_of(bodies, users, i, ring):
    """Fill ring (RING,) with the users who wait for each other in a ring, from i on; return how many, 0 for no ring.

    The ego is never among them; where it closes the ring, the last one's `waited_for` is `users`.
    """
    if abs(bodies[i].speed) > 0.3:
        return 0
    k = i
    for count in range(RING):
        ring[count] = k
        k = bodies[k].waited_for
        if k == users and abs(bodies[users].speed) < 0.3 and bodies[i].waited > EGO_RING_S:
            return count + 1
        if k < 0 or k >= users or not bodies[k].moving or abs(bodies[k].speed) > 0.3:
            return 0
        if k == i:
            return count + 1
    return 0


@njit(cache=True)
def _free_ahead(bodies, i):
    return bodies[i].backs_for == 0 and bodies[i].lead_gap > 0.3 * STANDSTILL_GAP_M[bodies[i].kind] + 1.0


@njit(cache=True)
def under_orders(bodies, paths, i):
    """Return whether a light or a script holds i back, nearer than whom it follows."""
    return paths.row[i].ordered > 0 and paths.row[i].stop - bodies[i].half_length < bodies[i].lead_gap


@njit(cache=True)
def waved_through(bodies, paths, users, i):
    """Return whether i need not wait for those who stand: it is the one of a ring whom the others let through."""
    if bodies[i].waited < RING_S or abs(bodies[i].speed) > GOING_MPS or not _free_ahead(bodies, i):
        return False
    if bodies[i].waited_for == WAVED:
        return True
    ring = np.empty(RING, np.int64)
    for n in range(ring_of(bodies, users, i, ring)):
        k = ring[n]
        if k == i or not _free_ahead(bodies, k) or under_orders(bodies, paths, k):
            continue
        longer = bodies[k].waited > bodies[i].waited
        if longer or (bodies[k].waited == bodies[i].waited and bodies[k].uid < bodies[i].uid):
            return False
    return ring_of(bodies, users, i, ring) > 0
