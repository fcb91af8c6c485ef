"""A scenario's place from above, with the ego's route and the actors' lines. In: a scenario; out: a PNG or SVG file."""

from pathlib import Path
from typing import Any

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.frames import box_corners
from xiaolu.core.users import Kind
from xiaolu.world.routing import RoutePath
from xiaolu.world.scenarios.sample import Scenario
from xiaolu.world.show import INK, PAPER, ROUTE, paint_town
from xiaolu.world.temper import ON_FOOT

RIM_M, SIZE_INCH, DPI = 14.0, 9.0, 110
EGO, ACTOR, WALKER, THING = "#2f7de1", "#d8402f", "#b03fb8", "#e07b20"


def colour_of(kind: int) -> str:
    """Return the colour an actor of a kind is drawn in."""
    if kind == Kind.OBJECT:
        return THING
    return WALKER if ON_FOOT[kind] else ACTOR


def ways_of_actor(scenario: Scenario, number: int) -> list[np.ndarray]:
    """Return the lines (n, 2) an actor goes along, from its start on."""
    actor = scenario.script.actors[number]
    lines = [np.asarray(line)[:, :2] for line in actor.lines]
    if actor.lanes:
        town = scenario.town
        points = np.concatenate([town.line(lane)[:, :2] for lane in actor.lanes])
        nearest = int(np.argmin(np.hypot(*(points - actor.pose[:2]).T)))
        lines.insert(0, np.concatenate([[actor.pose[:2]], points[nearest + 1 :]]))
    return lines


def draw_scenario(scenario: Scenario, out: Path) -> None:
    """Write a picture of the site; the suffix of `out` says the format (.png, .svg, .pdf)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    out = Path(out)
    if out.suffix.lower() not in (".png", ".svg", ".pdf", ".webp"):
        raise ValueError(f"{out}: no picture format; the suffix must be one of .png, .svg, .pdf, .webp")
    path = RoutePath(scenario.town, scenario.plan)
    marks = [path.points[:, :2], *(np.array([actor.pose[:2]]) for actor in scenario.script.actors)]
    around = np.concatenate(marks)
    middle, half = (around.max(axis=0) + around.min(axis=0)) / 2, (np.ptp(around, axis=0) / 2).max() + RIM_M
    window = np.concatenate([middle - half, middle + half])
    figure = Figure(figsize=(SIZE_INCH, SIZE_INCH + 0.5), facecolor="white")
    FigureCanvasAgg(figure)
    share = SIZE_INCH / (SIZE_INCH + 0.5)
    axes = figure.add_axes((0.01, 0.01, 0.98, share - 0.02))
    axes.set(xlim=window[[0, 2]], ylim=window[[1, 3]], xticks=[], yticks=[], facecolor=PAPER, aspect="equal")
    paint_town(axes, scenario.town, window, 72 * SIZE_INCH / (2 * half), names=False)
    axes.plot(*path.points[:, :2].T, color=ROUTE, linewidth=2.0, zorder=9)
    axes.plot(*path.point_at(scenario.anchor_s_m)[:2], "+", color=INK, markersize=12, zorder=12)
    pose = np.array(scenario.start_pose) if scenario.start_pose is not None else path.point_at(0.0)
    x, y = pose[:2] + EGO_BODY.centre_x_m * np.array([np.cos(pose[2]), np.sin(pose[2])])
    _box(axes, x, y, pose[2], EGO_BODY.length_m, EGO_BODY.width_m, EGO)
    for number, actor in enumerate(scenario.script.actors):
        colour = colour_of(int(actor.kind))
        for line in ways_of_actor(scenario, number):
            axes.plot(*line.T, color=colour, linewidth=1.3, linestyle=(0, (4, 2)), zorder=10)
        _box(axes, actor.pose[0], actor.pose[1], actor.pose[3], actor.length_m, actor.width_m, colour)
        axes.annotate(
            actor.name, actor.pose[:2], xytext=(6, 6), textcoords="offset points", size=8, color=INK, zorder=14,
            bbox={"boxstyle": "round,pad=0.15", "fc": "#ffffffd0", "ec": "none"},
        )  # fmt: skip
    words = ", ".join(f"{k} {v:.1f}" if isinstance(v, float) else f"{k} {v}" for k, v in scenario.parameters.items())
    figure.text(0.015, 0.965, f"{scenario.family.title} · seed {scenario.seed}", size=13, weight="bold", color=INK)
    figure.text(0.015, 0.948, f"{scenario.town_family} {scenario.town_seed} · {words}"[:150], size=7.5, color="#6b7178")
    figure.savefig(out, dpi=DPI)


def _box(axes: Any, x: float, y: float, yaw: float, length: float, width: float, colour: str) -> None:
    from matplotlib.patches import Polygon

    one = (np.array([value]) for value in (x, y, yaw, length, max(width, 0.4)))
    axes.add_patch(Polygon(box_corners(*one)[0], facecolor=colour, edgecolor="white", linewidth=0.6, zorder=11))
