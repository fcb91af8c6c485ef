"""If nobody in the street phoned, greeted or thanked, every arm would be a command to the driver."""

import numpy as np

from tests.towns import crossroads
from xiaolu.core.control import EgoMotion
from xiaolu.core.rates import SUBSTEPS, TICK_S
from xiaolu.core.users import Gesture, Kind, empty_users
from xiaolu.world.hands import LOWER_S, _occasion, coming_down
from xiaolu.world.looking import gather
from xiaolu.world.state import empty_minds
from xiaolu.world.table import table_of
from xiaolu.world.town import LaneKind
from xiaolu.world.world import World

MEANINGLESS = {Gesture.NONE, Gesture.WALK, Gesture.PHONE, Gesture.READ_PHONE, Gesture.CARRY, Gesture.UMBRELLA}
RARE = {Gesture.STOP, Gesture.THANK, Gesture.HAIL, Gesture.POINT, Gesture.WAVE}


def standing(pose, branches: int = 1) -> EgoMotion:
    zero = np.zeros(branches)
    return EgoMotion(
        pose=np.broadcast_to(np.asarray(pose, float), (branches, SUBSTEPS + 1, 3)).copy(),
        speed_mps=zero,
        acceleration_mps2=zero,
        yaw_rate_radps=zero,
        steering_rad=zero,
        indicator=zero.astype(np.int8),
    )


def street(seeds: int = 16, ticks: int = 600) -> dict[str, np.ndarray]:
    """Return columns (seeds, ticks, slots) of an ego that stands by a busy crossroads; -1 in empty slots."""
    town, pose = crossroads(), np.array([-19.0, -1.6, 0.0])
    columns = {name: np.full((seeds, ticks, 40), -1.0) for name in ("gesture", "gesture_s", "kind", "uid")}
    for seed in range(seeds):
        world = World(town, users=40, density=3.0)
        state = world.start(seed, pose)
        for tick in range(ticks):
            state = world.step(state, standing(pose))
            shown = np.flatnonzero(state.users.active[0, :40])
            for name, column in columns.items():
                column[seed, tick, shown] = getattr(state.users, name)[0, shown]
    return columns


def test_hands_in_the_street():
    gesture, seconds, kind, uid = street().values()
    people = kind == Kind.PEDESTRIAN
    assert not np.isin(gesture[(uid >= 0) & (kind < Kind.PEDESTRIAN)], [*RARE]).any(), (
        "drivers keep theirs on the wheel"
    )
    met = {Gesture(g) for g in np.unique(gesture[people])}
    assert met <= MEANINGLESS | RARE
    assert {Gesture.WALK, Gesture.PHONE, Gesture.READ_PHONE, Gesture.CARRY} <= met
    assert len(met & RARE) >= 2
    rare = np.isin(gesture[people], [*RARE]).mean()
    assert 0.0005 < rare < 0.03, "share of time; gestures to others are rare"
    phoning = np.isin(gesture[people], [Gesture.PHONE, Gesture.READ_PHONE]).mean()
    assert 0.03 < phoning < 0.25

    # One gesture follows another only when arms are down, and lasts a while.
    same = (uid[:, 1:] == uid[:, :-1]) & (kind[:, 1:] == Kind.PEDESTRIAN)
    changed = same & (gesture[:, 1:] != gesture[:, :-1])
    was, been = gesture[:, :-1], seconds[:, :-1]
    left = coming_down(been)[1]
    assert (left[changed & (was > Gesture.WALK) & (been > TICK_S)] < 0.4).all()
    for wave, longest in ((Gesture.WAVE, 2.9), (Gesture.POINT, 3.1)):
        lasted = coming_down(been)[0][changed & (was == wave)]
        assert len(lasted) and ((lasted > 1.2) & (lasted < longest)).all()


def test_arms_take_their_time_to_come_down():
    lasted, left = coming_down(np.array([0.0, 1.3, -(13 + 0.5), -(13 + 0.25), -0.05]))
    assert np.allclose(lasted, [0.0, 1.3, 13 * TICK_S, 13 * TICK_S, 0.0])
    assert np.allclose(left, [1.0, 1.0, 1.0, 0.5, 0.1])
    assert LOWER_S >= 5 * TICK_S


def beside_a_car(speed_mps: float, signal: int = -1) -> list[int]:
    """Return what many people begin while they cross 7 m ahead of a car's middle."""
    world = World(crossroads(), users=2)
    ways = world._ways._replace(way=world._ways.way.copy())
    ways.way["kind"][0], ways.way["signal"][0] = LaneKind.CROSSING, signal
    users = empty_users(1, 2)
    users.active[0, 0], users.kind[0, 0], users.speed_mps[0, 0], users.x_m[0, 0] = True, Kind.PEDESTRIAN, 1.3, 7.0
    table = table_of(users, empty_minds(1, 2))
    table.row["way"][0] = 0
    bodies = gather(table, 0, 2, np.array([0.0, 0.0, 0.0, speed_mps, 0.0, 0.0]), 0.0)
    begun = []
    for uid in range(400):
        table.row["uid"][0] = uid
        begun.append(int(_occasion(ways, table, bodies, 0, 0, 5, 100)))
    return begun


def test_a_palm_for_a_car_that_comes_thanks_for_one_that_waits():
    coming, waiting = beside_a_car(6.0), beside_a_car(0.0)
    assert set(coming) == {-1, Gesture.STOP} and 0 < coming.count(Gesture.STOP) < 100
    assert set(waiting) == {-1, Gesture.THANK} and 0 < waiting.count(Gesture.THANK) < 160
    assert set(beside_a_car(0.0, signal=0)) == {-1}, "nobody thanks for a red light"
    assert set(beside_a_car(1.5)) == {-1}, "nor a car that crawls on"


def test_the_same_seed_gives_the_same_hands():
    first, again = street(1, 60), street(1, 60)
    for name, column in first.items():
        assert (column == again[name]).all(), name
