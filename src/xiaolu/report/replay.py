"""`xiaolu replay`: step through a recorded ride, or drive it again and compare it step by step."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from xiaolu.cameras.renderer import Renderer
from xiaolu.core.decision import LampColour
from xiaolu.core.episode import Step
from xiaolu.episodes.rides import read_ride
from xiaolu.report.page import town_of_ride
from xiaolu.ride.config import config_of
from xiaolu.ride.drivers import make_driver
from xiaolu.ride.ride import Ride

# What a clock measured is not part of what happened.
NOT_COMPARED = {"wall_s", "frames"}


def show_steps(ride: Path, from_s: float, to_s: float) -> None:
    """Print a line for every step between two seconds of a ride."""
    for step in read_ride(ride).steps():
        time_s = step.observation.stamp_ns / 1e9
        if from_s <= time_s <= to_s:
            print(line_of(step))


def line_of(step: Step) -> str:
    """Return one step as a line: time, speed, strategy, steering, acceleration asked for, signal read, why."""
    decision, control = step.decision, step.control
    lamp = decision.perceived.signal
    seen = "-" if lamp == LampColour.NONE else lamp.name.lower()
    veto = f"  GUARDIAN {step.vetoed}" if step.vetoed else ""
    return (
        f"{step.observation.stamp_ns / 1e9:6.1f} s {step.scene.ego_speed_mps * 3.6:5.1f} km/h  "
        f"{decision.strategy!s:20} steer {np.rad2deg(control.steering_rad):+5.1f}°  "
        f"{control.acceleration_mps2:+5.2f} m/s²  {seen:8} {decision.why}{veto}"
    )


def drive_again(ride: Path, town: Path | None) -> None:
    """Drive a recorded ride again from its header; ValueError at the first step that differs, naming the field."""
    log = read_ride(ride)
    recorded = list(log.steps())
    loaded = town_of_ride(log.header, town)
    config = config_of(log.header, loaded)
    assert config.route is not None
    driver = make_driver(log.header.driver, loaded, config.route)
    renderer = Renderer(loaded) if driver.cameras else None
    again = Ride(config, driver, renderer)
    try:
        for before in track(recorded, "driving again", console=Console(stderr=True)):
            where = difference(before, again.step())
            if where:
                raise ValueError(f"{ride}: at {before.observation.stamp_ns / 1e9:.1f} s the ride differs in {where}")
    finally:
        if renderer is not None:
            renderer.close()
    print(f"{len(recorded)} steps came out the same, bit for bit")


def difference(one: Any, other: Any, name: str = "step") -> str:
    """Return the path of the first field in which two records differ, "" when they are the same to the bit."""
    if is_dataclass(one) and is_dataclass(other):
        for f in fields(one):
            if f.name not in NOT_COMPARED:
                found = difference(getattr(one, f.name), getattr(other, f.name), f"{name}.{f.name}")
                if found:
                    return found
        return ""
    if isinstance(one, np.ndarray):
        same = np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
        return "" if same else name
    if isinstance(one, tuple):
        if len(one) != len(other):
            return name
        pairs = enumerate(zip(one, other, strict=True))
        return next((found for i, (a, b) in pairs if (found := difference(a, b, f"{name}[{i}]"))), "")
    return "" if one == other or (one != one and other != other) else name
