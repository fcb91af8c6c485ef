"""What every Driver must hold to, whoever wrote it: `check_driver(make, rig)` raises AssertionError where it does not.

def test_mine_keeps_the_contract():
    check_driver(lambda: MyDriver(), RIG)
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from xiaolu.core.camera import CameraFrame
from xiaolu.core.decision import Decision
from xiaolu.core.observation import EgoState, Instruction, Manoeuvre, Observation, Route
from xiaolu.core.plan import PATH_POINTS, SPEED_KNOTS
from xiaolu.core.protocols import Driver, Snapshots
from xiaolu.core.rates import TICK_NS


def drive_of(tick, cameras=(), speed_mps=5.0):
    """Return an observation at a tick of a straight ride, with a frame of noise for each camera."""
    noise = np.random.default_rng(tick)
    frames = tuple(
        CameraFrame(c, tick * TICK_NS, noise.integers(0, 256, (c.height_px, c.width_px, 3), np.uint8)) for c in cameras
    )
    travelled_m = tick * 0.1 * speed_mps
    line = np.column_stack([travelled_m + np.arange(0.0, 120.0, 15.0), np.full(8, 2.0)])
    route = Route(tick // 10 * 10 * TICK_NS, Manoeuvre.TURN_LEFT, 60.0, line)
    ego = EgoState(tick * TICK_NS, speed_mps, 0.0, 0.0, 0.0, np.array([travelled_m, 0.0, 0.0]))
    return Observation(tick * TICK_NS, frames, ego, route)


def same(one, two):
    """Whether two decisions are the same but for the clock on the wall."""
    return (
        np.array_equal(one.plan.path, two.plan.path)
        and np.array_equal(one.plan.speed_mps, two.plan.speed_mps)
        and replace(one, plan=two.plan, imagined=(), imagined_valid=(), wall_s=0.0)
        == replace(two, plan=two.plan, imagined=(), imagined_valid=(), wall_s=0.0)
    )


def check_driver(make, rig=(), ticks=6):
    """make: () -> Driver. rig: the cameras (CameraModel) that frames may come from."""
    driver = make()
    assert isinstance(driver, Driver), "name, cameras, reset(seed), drive(observation) make a Driver"
    cameras = tuple(camera for camera in rig if camera.name in driver.cameras)
    assert len(cameras) == len(driver.cameras), f"the rig lacks some of {driver.cameras}"
    ride = [drive_of(tick, cameras) for tick in range(ticks)]

    def answers(observations):
        driver.reset(7)
        out = []
        for observation in observations:
            decision = driver.drive(observation)
            assert isinstance(decision, Decision)
            assert decision.stamp_ns == observation.stamp_ns, "a decision carries the stamp of its observation"
            assert decision.plan.path.shape == (PATH_POINTS, 2) and decision.plan.speed_mps.shape == (SPEED_KNOTS,)
            assert np.isfinite(decision.plan.path).all() and np.isfinite(decision.plan.speed_mps).all()
            out.append(decision)
        return out

    first, again = answers(ride), answers(ride)
    assert all(same(a, b) for a, b in zip(first, again, strict=True)), "reset must make the same ride the same again"
    fresh = make()
    fresh.reset(7)
    assert same(fresh.drive(ride[0]), first[0]), "a new driver is one that has been reset"

    # No frames at all, at the start and in between.
    answers([replace(observation, frames=()) for observation in ride])
    answers([replace(o, frames=o.frames if i % 2 else ()) for i, o in enumerate(ride)])
    # Late, twice, and in the wrong order.
    answers([ride[0], *(replace(now, frames=before.frames) for before, now in pairwise(ride))])
    answers([replace(o, frames=(*o.frames, *o.frames)) for o in ride])
    answers([replace(o, frames=(*o.frames, *ride[max(i - 2, 0)].frames)[::-1]) for i, o in enumerate(ride)])
    # No route; a route without a line; a passenger's words, whatever they are.
    answers([replace(observation, route=None) for observation in ride])
    no_line = Route(0, Manoeuvre.ARRIVE, 5.0, np.empty((0, 2)))
    answers([replace(observation, route=no_line) for observation in ride])
    for text in ("turn left", "下个路口左转", "", "\x00\x1b[31m", "left " * 5000):
        wish = Instruction(text, 1.0, 3.0, 0)
        answers([replace(observation, route=None, instruction=wish) for observation in ride[:2]])
    # At standstill, and backwards.
    for speed_mps in (0.0, -1.0):
        answers([drive_of(tick, cameras, speed_mps) for tick in range(3)])

    if isinstance(driver, Snapshots):
        driver.reset(7)
        driver.drive(ride[0])
        memory = driver.snapshot()
        expected = [driver.drive(observation) for observation in ride[1:]]
        driver.restore(memory)
        found = [driver.drive(observation) for observation in ride[1:]]
        assert all(same(a, b) for a, b in zip(expected, found, strict=True)), "restore must bring the memory back"
        twin = make()
        twin.reset(7)
        twin.restore(memory)
        assert same(twin.drive(ride[1]), expected[0]), "a snapshot fits another instance of the same driver"
