"""Steps made up without a world, for testing files. Every field differs from its default."""

from dataclasses import replace

import numpy as np

from xiaolu.core.camera import CameraFrame, CameraModel, pinhole
from xiaolu.core.conditions import RAIN
from xiaolu.core.control import Control, Indicator
from xiaolu.core.decision import Cause, Decision, Imagined, LampColour, Pace, PathMode, Perceived, Strategy
from xiaolu.core.episode import Event, Header, Step
from xiaolu.core.observation import EgoState, Instruction, Manoeuvre, Observation, RangeScan, Route, WishState
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_KNOTS, Plan
from xiaolu.core.rates import DECISION_LATENCY_NS, TICK_NS
from xiaolu.core.scene import Scene
from xiaolu.core.users import Kind, empty_users

CAMERAS = (
    pinhole("narrow", 32, 16, 60.0, (1.6, 0.0, 1.5, 0.0, -0.05)),
    pinhole("wide", 24, 12, 10.0, (1.6, 0.0, 1.5, 0.0, 0.1)),
)


def image(camera: CameraModel, index: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, index, camera.width_px])
    return rng.integers(0, 256, (camera.height_px, camera.width_px, 3), dtype=np.uint8)


def plan(index: int = 0) -> Plan:
    curvature = 0.01 * np.sin(index / 7.0)
    path = np.stack([PATH_DISTANCES_M, 0.5 * curvature * PATH_DISTANCES_M**2], axis=-1)
    return Plan(path, np.linspace(5.0, 6.0 + 0.1 * (index % 10), SPEED_KNOTS))


def ego_state(index: int) -> EgoState:
    return EgoState(index * TICK_NS, 5.0 + 0.01 * index, 0.1, -0.02, 0.03, np.array([0.5 * index, 0.1, 0.001 * index]))


def scene(index: int, users: int = 5, heads: int = 3) -> Scene:
    table = empty_users(users)
    table.uid[:3] = [11, 12, 13]
    table.active[:3] = True
    table.kind[:3] = [Kind.CAR, Kind.PEDESTRIAN, Kind.BUS]
    table.x_m[:3] = [10.0 + index, 5.0, -3.3]
    table.y_m[:3] = 1.0 / 3.0
    table.length_m[:3], table.width_m[:3], table.height_m[:3] = 4.5, 1.8, 1.5
    return Scene(
        index * TICK_NS,
        7,
        "town",
        np.array([0.5 * index, 0.1, 0.001 * index]),
        0.25,
        5.0,
        0.1,
        -0.02,
        0.03,
        int(Indicator.LEFT),
        table,
        table.active.copy(),
        np.zeros(users, bool),
        np.zeros(users, bool),
        np.array([1, 3, 4], np.int8)[:heads],
        np.array([2.0, np.nan, 7.5])[:heads],
        np.array([4, 9, 2], np.int32),
        17.5,
        RAIN,
        Instruction("next left please", 1.5, 8.0, 0, WishState.DOING),
    )


def step(index: int, cameras: tuple[CameraModel, ...] = CAMERAS) -> Step:
    frames = tuple(CameraFrame(c, index * TICK_NS, image(c, index)) for c in cameras)
    route = Route(index // 10 * 10 * TICK_NS, Manoeuvre.TURN_LEFT, 42.5 - index, np.array([[0.0, 1.0], [15.0, 1.2]]))
    observation = Observation(index * TICK_NS, frames, ego_state(index), route, scene(index).instruction)
    risk = np.linspace(0, 0.3, SPEED_KNOTS)
    strategy = Strategy(PathMode.NUDGE_LEFT, Pace.CREEP)
    decision = Decision(
        index * TICK_NS,
        plan(index),
        strategy,
        Cause.SIGNAL,
        f"red light in {20 - index % 20} m",
        Perceived(LampColour.RED, 0.9, float("inf"), ("a hand is up",)),
        (Imagined(strategy, plan(index + 1), 0.7, risk, 21.0, 0.9, 1.0),),
        (True,),
        0.0123,
    )
    control = Control(0.01, -1.25, (index + 2) * TICK_NS, False, Indicator.LEFT)
    scan = RangeScan(index * TICK_NS, np.linspace(-3, 3, 12), np.full(12, 5.0))
    return Step(index, observation, decision, control, scene(index), scan, "curvature" if index % 5 == 0 else "")


def header(ride: str = "test-0") -> Header:
    return Header(
        ride,
        "town",
        "0123456789abcdef",
        7,
        "teacher",
        RAIN,
        4,
        2.5,
        np.array([4, 9, 2], np.int32),
        17.5,
        DECISION_LATENCY_NS,
        {"xiaolu": "0.1.0"},
    )


def events() -> tuple[Event, ...]:
    return (Event("contact", 3 * TICK_NS, 4 * TICK_NS, "with a bollard"), Event("arrived", 9 * TICK_NS, 9 * TICK_NS))


def without_frames(s: Step) -> Step:
    return replace(s, observation=replace(s.observation, frames=()))
