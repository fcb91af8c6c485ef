"""Excerpts: the world goes on for some of its road users as if the others had been far away."""

import numpy as np

from xiaolu.core.control import EgoMotion
from xiaolu.core.rates import SUBSTEPS
from xiaolu.ride.drivers import BUNDLED_TOWN
from xiaolu.world.routing import RoutePath, draw_ride
from xiaolu.world.town import load_town
from xiaolu.world.world import World


def standing(state):
    """The ego stays where it is for a tick."""
    count = state.branches
    pose = np.stack([state.ego.x_m, state.ego.y_m, state.ego.yaw_rad], axis=-1)
    nought = np.zeros(count)
    return EgoMotion(
        np.repeat(pose[:, None], SUBSTEPS + 1, axis=1), nought, nought, nought, nought, np.zeros(count, np.int8)
    )


def after(world, state, ticks):
    for _ in range(ticks):
        state = world.step(state, standing(state))
    return state


def test_an_excerpt_of_everybody_goes_on_as_the_whole_and_nobody_joins():
    town = load_town(BUNDLED_TOWN)
    path = RoutePath(town, draw_ride(town, 800_002, 400.0))
    world = World(town)
    state = after(world, world.start(800_002, path.point_at(0.0)), 20)
    active = state.users.active[0]
    fewer, some = world.excerpt(state, active)
    assert fewer.slots == active.sum() < world.slots
    whole, part = after(world, state, 30), after(fewer, some, 30)
    kept = np.isin(whole.users.uid[0], part.users.uid[0][part.users.active[0]]) & whole.users.active[0]
    assert kept.sum() == part.users.active.sum()
    for name in ("uid", "x_m", "y_m", "yaw_rad", "speed_mps"):
        assert np.array_equal(
            getattr(whole.users, name)[0][kept], getattr(part.users, name)[0][part.users.active[0]]
        ), name
    assert set(part.users.uid[0]) <= {*some.users.uid[0], -1}


def test_who_waits_for_whom_is_renumbered():
    """Slots move up; somebody who waits for the ego goes on waiting for the ego, and not for nobody."""
    town = load_town(BUNDLED_TOWN)
    path = RoutePath(town, draw_ride(town, 800_002, 400.0))
    world = World(town)
    state = after(world, world.start(800_002, path.point_at(0.0)), 60)
    waits, active = state.minds.waits_for[0], state.users.active[0]
    for_ego = np.flatnonzero(active & (waits == world.slots))
    for_others = np.flatnonzero(active & (waits >= 0) & (waits < world.slots))
    assert len(for_others), "somebody waits for somebody"
    kept = active.copy()
    kept[waits[for_others[0]]] = False
    fewer, some = world.excerpt(state, kept)
    new = np.cumsum(kept) - 1
    assert some.minds.waits_for[0, new[for_others[0]]] == -1, "who is gone is waited for no longer"
    for slot in for_others:
        if kept[slot] and kept[waits[slot]]:
            assert some.minds.waits_for[0, new[slot]] == new[waits[slot]]
    for slot in for_ego:
        assert some.minds.waits_for[0, new[slot]] == fewer.slots
