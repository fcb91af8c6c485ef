"""Facing: how two bodies stand to each other: face to face, one behind the other. World frame, of one branch."""

from numba import njit

from xiaolu.world.temper import ON_FOOT, TWO_WHEELER


@njit(cache=True)
def code_of(uid):
    """Return what `backs_for` holds for a body's uid (the ego's is -1): above 0, where 0 means nobody."""
    return uid + 2


@njit(cache=True)
def fills_lane(bodies, users, i):
    return i == users or (bodies[i].moving and not ON_FOOT[bodies[i].kind] and not TWO_WHEELER[bodies[i].kind])


@njit(cache=True)
def facing(bodies, i, j):
    return bodies[i].cos * bodies[j].cos + bodies[i].sin * bodies[j].sin < -0.5


@njit(cache=True)
def turned(bodies, i, j):
    return bodies[i].cos * bodies[j].cos + bodies[i].sin * bodies[j].sin < 0.7


@njit(cache=True)
def gap_ahead(bodies, i, j):
    """Return (gap m, lateral m) from i's front to j, in i's frame."""
    dx, dy = bodies[j].x - bodies[i].x, bodies[j].y - bodies[i].y
    lon, lat = dx * bodies[i].cos + dy * bodies[i].sin, -dx * bodies[i].sin + dy * bodies[i].cos
    return lon - bodies[i].half_length - bodies[j].half_length, lat


@njit(cache=True)
def met(bodies, i, j, beside, near):
    """Return whether i stands face to face with j: nose to nose, or one in the other's way though aside of its nose.

    beside, near: how far j's front may be before i's front, m, at least and at most.
    """
    gap, lat = gap_ahead(bodies, i, j)
    if not facing(bodies, i, j) or gap < beside or gap > near or abs(bodies[i].z - bodies[j].z) > 3.0:
        return False
    in_the_way = bodies[i].leader == j or bodies[j].leader == i
    return in_the_way or abs(lat) <= bodies[i].half_width + bodies[j].half_width + 0.25


@njit(cache=True)
def queue_behind(bodies, users, i):
    """Return the body that stands close behind i in its lane, -1 where none does."""
    for k in range(users + 1):
        if k == i or not bodies[k].present or ON_FOOT[bodies[k].kind]:
            continue
        dx, dy = bodies[k].x - bodies[i].x, bodies[k].y - bodies[i].y
        lon, lat = dx * bodies[i].cos + dy * bodies[i].sin, -dx * bodies[i].sin + dy * bodies[i].cos
        reach = bodies[i].half_length + bodies[k].half_length
        if (
            -reach - 4.0 < lon < -reach * 0.5
            and abs(lat) < bodies[i].half_width + bodies[k].half_width
            and bodies[i].cos * bodies[k].cos + bodies[i].sin * bodies[k].sin > 0.5
            and (bodies[k].moving or k == users)
        ):
            return k
    return -1
