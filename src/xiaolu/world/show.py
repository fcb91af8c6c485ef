"""A town as a picture. In: a town, perhaps a way through it; out: a PNG, SVG or PDF file. World frame, north is up."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from xiaolu.world.routing import RoutePath, RoutePlan
from xiaolu.world.town import LaneKind, Marking, PropKind, Town

PAPER, BLOCK, BUILDING, BUILDING_EDGE = "#eef0ea", "#e3e7dc", "#d5cbbd", "#b3a795"
ASPHALT, BRIDGE, TUNNEL, SIDEWALK, CYCLE, PAINT = "#59616b", "#6f7782", "#9aa1a9", "#c9c9c2", "#8a5c50", "#f4f4ee"
TREE, ROUTE, ROUTE_EDGE, START, GOAL, INK = "#7fa869", "#2f7de1", "#ffffff", "#20a05a", "#d8402f", "#30353b"
SIGNAL = "#e2b33c"
# Length, width and colour of what stands about, as a map shows it: larger than it is where it is small.
THINGS = {
    PropKind.PARKED_CAR: (4.4, 1.8, "#9fb1c4"),
    PropKind.PARKED_E_BIKE: (1.75, 0.65, "#5d7fa3"),
    PropKind.STALL: (1.2, 2.2, "#c9694b"),
    PropKind.BOLLARD: (0.5, 0.5, "#e8c35a"),
    PropKind.PLANTER: (1.2, 0.5, "#7fa869"),
    PropKind.BUS_STOP: (1.6, 4.2, "#4d86b8"),
    PropKind.PICKUP_SIGN: (0.9, 0.9, "#2f6db8"),
}
CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Microsoft YaHei",
    "SimHei",
)
SIZE_INCH, DPI = 12.0, 150
DASH_M, GAP_M = 3.0, 4.5  # a broken lane line inside towns, drawn a little denser than GB 5768's 2 m and 4 m
NAME_EVERY_M = 260.0


def _normals(town: Town) -> np.ndarray:
    """Return (P, 2) unit vectors to the left of every lane point."""
    xy = town.points[:, :2]
    ahead = np.vstack([xy[1:], xy[-1:]]) - xy
    back = np.vstack([ahead[:1], ahead[:-1]])
    first, last = town.point_start[:-1], town.point_start[1:] - 1
    ahead[last], back[first] = ahead[last - 1], ahead[first]
    along = ahead + back
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    return np.stack([-along[:, 1], along[:, 0]], axis=1)


def _strips(town: Town, normals: np.ndarray, lanes: np.ndarray, widen_m: float = 0.0) -> list[np.ndarray]:
    """Return the outline (n, 2) of each lane's surface."""
    out = []
    for lane in lanes:
        span = slice(town.point_start[lane], town.point_start[lane + 1])
        half = normals[span] * (town.lane_width_m[lane] / 2 + widen_m)
        line = town.points[span, :2]
        out.append(np.concatenate([line + half, (line - half)[::-1]]))
    return out


def strips_of(town: Town, lanes: np.ndarray) -> list[np.ndarray]:
    """Return the outline (n, 2) of each lane's surface."""
    return _strips(town, _normals(town), lanes)


def _bars(line: np.ndarray, length_m: float, gap_m: float) -> list[np.ndarray]:
    """Return the pieces (2, 2) of a broken line: length_m drawn, gap_m left out."""
    s = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    starts = np.arange(gap_m / 2, max(s[-1] - length_m / 2, 0.0), length_m + gap_m)
    ends = np.minimum(starts + length_m, s[-1])
    return [
        np.column_stack([np.interp(pair, s, line[:, 0]), np.interp(pair, s, line[:, 1])])
        for pair in zip(starts, ends, strict=True)
    ]


def _paint_markings(town: Town, normals: np.ndarray, lanes: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return (white, yellow) marking lines: lane edges, broken or not."""
    white: list[np.ndarray] = []
    yellow: list[np.ndarray] = []
    for lane in lanes:
        marking = town.lane_marking[lane]
        if marking == Marking.NONE:
            continue
        span = slice(town.point_start[lane], town.point_start[lane + 1])
        edge = town.points[span, :2] + normals[span] * town.lane_width_m[lane] / 2
        same_way = town.lane_left[lane] >= 0
        target = white if same_way else yellow
        if marking == Marking.DASHED:
            target += _bars(edge, DASH_M, GAP_M)
        else:
            target.append(edge)
    return white, yellow


def _zebra(town: Town, lanes: np.ndarray) -> list[np.ndarray]:
    """Return the painted bars (4, 2) of crossings: each lies along the street, across the way people walk."""
    out = []
    for lane in lanes:
        line = town.line(int(lane))[:, :2]
        half_m = town.lane_width_m[lane] / 2 - 0.3
        for a, b in _bars(line, 0.45, 0.55):
            along = (b - a) / max(np.hypot(*(b - a)), 1e-9)
            left = np.array([-along[1], along[0]]) * half_m
            out.append(np.stack([a + left, b + left, b - left, a - left]))
    return out


def _stop_bars(town: Town, normals: np.ndarray) -> list[np.ndarray]:
    bars = []
    lines = np.where(np.isfinite(town.stop_s_m), town.stop_s_m, town.waiting_s_m)
    for lane in np.flatnonzero(np.isfinite(lines)):
        x, y, _, yaw = town.pose_at(int(lane), float(lines[lane]))
        left = np.array([-np.sin(yaw), np.cos(yaw)]) * (town.lane_width_m[lane] / 2 - 0.15)
        bars.append(np.stack([np.array([x, y]) + left, np.array([x, y]) - left]))
    return bars


def _boxes(pose: np.ndarray, length_m: float, width_m: float) -> np.ndarray:
    """Return the outlines (n, 4, 2) of things of one size at poses (n, 3)."""
    x, y, yaw = pose.T
    corner = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]) * [length_m / 2, width_m / 2]
    turn = np.stack([np.stack([np.cos(yaw), -np.sin(yaw)], -1), np.stack([np.sin(yaw), np.cos(yaw)], -1)], -2)
    return np.einsum("kij,cj->kci", turn, corner) + np.stack([x, y], -1)[:, None]


def _name_font() -> str | None:
    """Return a font that can write Chinese, or None where this machine has none."""
    from matplotlib import font_manager

    have = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in CHINESE_FONTS if name in have), None)


def _write_names(axes: Any, town: Town, window: np.ndarray, points_per_m: float) -> None:
    """Write street names along the longest free stretches, not nearer to their like than NAME_EVERY_M."""
    import matplotlib.patheffects as effects

    font = _name_font()
    written: list[tuple[int, float, float]] = []
    ordinary = (town.lane_kind == LaneKind.DRIVE) & (town.lane_junction < 0) & (town.lane_street >= 0)
    for lane in sorted(np.flatnonzero(ordinary), key=lambda lane: -town.lane_length_m[lane]):
        street = int(town.lane_street[lane])
        name = town.streets[street]
        if font is None:
            name = "".join(letter for letter in name if ord(letter) < 0x2E80).strip()
        x, y, _, yaw = town.pose_at(int(lane), float(town.lane_length_m[lane]) / 2)
        size = float(np.clip(3.6 * points_per_m, 4.5, 9.0))
        room_m = len(name.encode("gbk", "replace")) * 0.55 * size / points_per_m
        seen = any(s == street and np.hypot(x - a, y - b) < NAME_EVERY_M for s, a, b in written)
        crowded = any(np.hypot(x - a, y - b) < 35.0 for _, a, b in written)
        inside = window[0] < x < window[2] and window[1] < y < window[3]
        if not name or seen or crowded or not inside or room_m > town.lane_length_m[lane]:
            continue
        turn = np.degrees(yaw)
        upright = (turn + 90.0) % 180.0 - 90.0
        text = axes.text(x, y, name, rotation=upright, ha="center", va="center", size=size, color="white", zorder=12)
        text.set_fontfamily(font or "DejaVu Sans")
        text.set_path_effects([effects.withStroke(linewidth=1.8, foreground=ASPHALT)])
        text.set_clip_on(True)
        written.append((street, x, y))


def paint_town(axes: Any, town: Town, window: np.ndarray, points_per_m: float, names: bool = True) -> None:
    """Draw a town onto matplotlib axes. window: x and y from, x and y to, metres; points_per_m: the axes' scale."""
    from matplotlib.collections import EllipseCollection, LineCollection, PolyCollection

    normals = _normals(town)
    detail = points_per_m > 0.35  # below, a lane line is thinner than a hair

    def fill(outlines: Sequence[np.ndarray], colour: str, order: float, edge: str = "none", width: float = 0.0) -> None:
        if len(outlines):
            axes.add_collection(
                PolyCollection(outlines, facecolors=colour, edgecolors=edge, linewidths=width, zorder=order)
            )

    def stroke(lines: Sequence[np.ndarray], colour: str, order: float, width_m: float) -> None:
        if len(lines):
            width = max(width_m * points_per_m, 0.12)
            axes.add_collection(LineCollection(lines, colors=colour, linewidths=width, zorder=order, capstyle="butt"))

    buildings = [
        town.building_points[a:b] for a, b in zip(town.building_start[:-1], town.building_start[1:], strict=True)
    ]
    fill([b + np.array([1.5, -1.5]) for b in buildings], "#00000018", 1.0)
    fill(buildings, BUILDING, 1.1, BUILDING_EDGE, 0.3)
    kind, layer = town.lane_kind, town.lane_layer
    fill(_strips(town, normals, np.flatnonzero((kind == LaneKind.FOOT) | (kind == LaneKind.FOOT_AREA))), SIDEWALK, 2.0)
    for level, colour, order in ((-1, TUNNEL, 2.5), (0, ASPHALT, 3.0), (1, BRIDGE, 6.0)):
        outlines = [
            town.junction_points[a:b]
            for a, b, at in zip(town.junction_start[:-1], town.junction_start[1:], town.junction_layer, strict=True)
            if at == level and b - a > 2
        ]
        fill(outlines, colour, order)
        drive = np.flatnonzero((kind == LaneKind.DRIVE) & (layer == level))
        fill(_strips(town, normals, drive, 0.08), colour, order)
        cycle = (kind == LaneKind.CYCLE) & (layer == level)
        fill(_strips(town, normals, np.flatnonzero(cycle & (town.lane_junction < 0))), CYCLE, order)
        fill(_strips(town, normals, np.flatnonzero(cycle & (town.lane_junction >= 0))), colour, order)
        if detail and level >= 0:
            ordinary = drive[town.lane_junction[drive] < 0]
            white, yellow = _paint_markings(town, normals, ordinary)
            stroke(white, PAINT, order + 0.2, 0.18)
            stroke(yellow, "#e8c35a", order + 0.2, 0.18)
    if detail:
        fill(_zebra(town, np.flatnonzero(kind == LaneKind.CROSSING)), PAINT, 3.3)
        stroke(_stop_bars(town, normals), PAINT, 3.4, 0.45)
    trees = town.prop_kind == PropKind.TREE
    if trees.any():
        size = np.full(int(trees.sum()), 3.6)
        axes.add_collection(
            EllipseCollection(
                size, size, 0 * size, units="xy", offsets=town.prop_pose[trees, :2], transOffset=axes.transData,
                facecolors=TREE, edgecolors="none", alpha=0.75, zorder=7.0,
            )
        )  # fmt: skip
    fill(list(town.bay_corners()), ASPHALT, 3.0, PAINT if detail else "none", 0.4)
    for kind_of_prop, (length, width, tint) in THINGS.items():
        standing = np.flatnonzero(town.prop_kind == kind_of_prop)
        if detail and len(standing):
            fill(list(_boxes(town.prop_pose[standing], length, width)), tint, 3.6)
    for lane, s_m in zip(town.gate_lane, town.gate_s_m, strict=True):
        x, y, _, yaw = town.pose_at(int(lane), float(s_m))
        left = np.array([-np.sin(yaw), np.cos(yaw)]) * town.lane_width_m[lane] / 2
        stroke([np.stack([np.array([x, y]) - left, np.array([x, y]) + left])], GOAL, 3.7, 0.6)
    heads = town.head_pose[~town.head_walk] if len(town.head_pose) else np.empty((0, 4))
    if len(heads):
        size = np.full(len(heads), max(2.4, 2.2 / points_per_m))
        axes.add_collection(
            EllipseCollection(
                size, size, 0 * size, units="xy", offsets=heads[:, :2], transOffset=axes.transData,
                facecolors=SIGNAL, edgecolors=INK, linewidths=0.3, zorder=8.0,
            )
        )  # fmt: skip
    if names:
        _write_names(axes, town, window, points_per_m)


def _paint_route(axes: Any, town: Town, route: RoutePlan, points_per_m: float) -> None:
    path = RoutePath(town, route)
    x, y = path.points[:, 0], path.points[:, 1]
    width = max(2.2 * points_per_m, 2.2)
    axes.plot(x, y, color=ROUTE_EDGE, linewidth=width + 1.6, solid_capstyle="round", zorder=9.0)
    axes.plot(x, y, color=ROUTE, linewidth=width, solid_capstyle="round", zorder=9.1)
    for s_m in np.arange(25.0, path.length_m - 10.0, 50.0):
        at_x, at_y, yaw = path.point_at(s_m)
        tip = (3, 0, float(np.degrees(yaw)) - 90.0)
        axes.plot(at_x, at_y, marker=tip, color=ROUTE_EDGE, markersize=0.85 * width, mec="none", zorder=9.3)
    for at, colour, word in ((0, START, "start"), (-1, GOAL, "goal")):
        axes.plot(x[at], y[at], "o", color=colour, markersize=3.2 * width, mec="white", mew=1.4, zorder=9.5)
        axes.annotate(
            word, (x[at], y[at]), xytext=(7, 7), textcoords="offset points", size=9, color="white", weight="bold",
            zorder=13, bbox={"boxstyle": "round,pad=0.25", "fc": colour, "ec": "none"},
        )  # fmt: skip


def _window(town: Town, route: RoutePlan | None, close_up: bool) -> np.ndarray:
    """Return (x from, y from, x to, y to) of what to show, metres: the streets cars use, with a rim."""
    if route is not None and close_up:
        xy, rim_m = RoutePath(town, route).points[:, :2], 45.0
    else:
        on_drive = np.repeat(town.lane_kind == LaneKind.DRIVE, np.diff(town.point_start))
        xy, rim_m = town.points[on_drive, :2], 30.0
    return np.concatenate([xy.min(axis=0) - rim_m, xy.max(axis=0) + rim_m])


def _furnish(axes: Any, window: np.ndarray, title: str, facts: str) -> None:
    """Add a title, a line of facts, a scale and where north is."""
    width_m = window[2] - window[0]
    bar_m = next(m for m in (500, 200, 100, 50, 20, 10) if m < width_m / 4 or m == 10)
    x, y = window[0] + 0.03 * width_m, window[1] + 0.03 * width_m
    axes.plot([x, x + bar_m], [y, y], color=INK, linewidth=3, solid_capstyle="butt", zorder=14)
    box = {"boxstyle": "round,pad=0.2", "fc": "#ffffffc0", "ec": "none"}
    axes.text(x + bar_m / 2, y + 0.008 * width_m, f"{bar_m} m", ha="center", va="bottom", size=9, zorder=14, bbox=box)
    axes.annotate(
        "N", xy=(0.965, 0.965), xytext=(0.965, 0.925), xycoords="axes fraction", ha="center", va="top", size=11,
        color=INK, weight="bold", zorder=14, arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.8}, bbox=box,
    )  # fmt: skip
    axes.set_title(title, loc="left", size=15, color=INK, weight="bold", pad=16)
    axes.text(0.0, 1.006, facts, transform=axes.transAxes, size=9, color="#6b7178", va="bottom")


def _facts(town: Town) -> str:
    drive = (town.lane_kind == LaneKind.DRIVE) & (town.lane_junction < 0)
    lane_km = float(town.lane_length_m[drive].sum()) / 1000
    counts = (
        (len(town.junction_start) - 1, "junctions"),
        (len(town.program_start) - 1, "signal programs"),
        (int((town.lane_kind == LaneKind.CROSSING).sum()), "crossings"),
        (len(town.building_start) - 1, "buildings"),
    )
    return " · ".join([f"{lane_km:.1f} km of driving lanes", *(f"{max(n, 0)} {word}" for n, word in counts)])


def draw_town(town: Town, out: Path, route: RoutePlan | None = None, close_up: bool = False) -> None:
    """Write a picture of the town, and of a way through it; the suffix of `out` says the format: .png, .svg, .pdf.

    close_up: show only where the route goes. Raises ValueError for a format that is none, OSError when the disk will
    not take the file.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    out = Path(out)
    known = (".png", ".svg", ".pdf")
    if out.suffix.lower() not in known:
        raise ValueError(f"{out}: no picture format; the suffix must be one of {', '.join(known)}")
    window = _window(town, route, close_up)
    width_m, height_m = window[2] - window[0], window[3] - window[1]
    scale = SIZE_INCH / max(width_m, height_m)
    figure = Figure(figsize=(width_m * scale + 0.4, height_m * scale + 0.9), facecolor="white")
    FigureCanvasAgg(figure)
    wide, high = figure.get_size_inches()
    axes = figure.add_axes((0.2 / wide, 0.2 / high, width_m * scale / wide, height_m * scale / high))
    axes.set(xlim=(window[0], window[2]), ylim=(window[1], window[3]), xticks=[], yticks=[], facecolor=PAPER)
    axes.set_aspect("equal")
    for spine in axes.spines.values():
        spine.set_edgecolor("#c4c8c0")
    points_per_m = 72 * scale
    paint_town(axes, town, window, points_per_m)
    if route is not None:
        _paint_route(axes, town, route, points_per_m)
    facts = _facts(town) + (f" · ride of {route.length_m:.0f} m" if route is not None else "")
    _furnish(axes, window, str(town.meta.get("name", "town")), facts)
    # A fixed salt and no date: the same town is the same file.
    with rc_context({"svg.hashsalt": "xiaolu"}):
        figure.savefig(out, dpi=DPI, metadata={"Date": None} if out.suffix.lower() == ".svg" else None)


def sheet(towns: Sequence[Town], out: Path | BinaryIO, columns: int = 4) -> None:
    """Write many towns side by side, small, without names, to a .png, .svg or .pdf file, or as PNG to an open one."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-len(towns) // columns)
    figure = Figure(figsize=(4.0 * columns, 4.25 * rows), facecolor="white")
    FigureCanvasAgg(figure)
    for number, town in enumerate(towns):
        axes = figure.add_subplot(rows, columns, number + 1)
        window = _window(town, None, False)
        half_m = max(window[2] - window[0], window[3] - window[1]) / 2
        x, y = (window[0] + window[2]) / 2, (window[1] + window[3]) / 2
        axes.set(xlim=(x - half_m, x + half_m), ylim=(y - half_m, y + half_m), xticks=[], yticks=[], facecolor=PAPER)
        axes.set_aspect("equal")
        paint_town(axes, town, window, 72 * 3.8 / (2 * half_m), names=False)
        axes.set_title(str(town.meta.get("name", "")), size=9, color=INK)
    high = 4.25 * rows
    figure.subplots_adjust(0.01, 0.05 / high, 0.99, 1.0 - 0.3 / high, 0.02, 0.09)  # titles stand above their axes
    figure.savefig(out, dpi=110)
