"""The pictures of a report that are not film: the map with the track, and the curves over time. SVG text out."""

import io

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from xiaolu.core.episode import Event
from xiaolu.world.town import LaneKind, Town

INK, MUTED, GRID = "#1d2733", "#66727f", "#dfe5ea"
SPEED, ACCELERATION, JERK = "#1f6feb", "#0f9d78", "#9a5bd0"
WARN = "#d1382c"


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    # A fixed salt and no date: the same ride gives the same page.
    with matplotlib.rc_context({"svg.hashsalt": "xiaolu", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    plt.close(figure)
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def curves(
    time_s: np.ndarray,
    speed_mps: np.ndarray,
    acceleration_mps2: np.ndarray,
    jerk_mps3: np.ndarray,
    events: tuple[Event, ...],
) -> tuple[str, tuple[float, float]]:
    """Return (svg, (left, right)): three stacked curves (T,) over ride time, events shaded.

    left and right are where the first and last second lie, as shares of the picture's width: the page moves its
    cursor between them.
    """
    figure, axes = plt.subplots(3, 1, figsize=(9.6, 4.6), sharex=True, gridspec_kw={"height_ratios": (1.5, 1, 1)})
    rows = (
        (speed_mps * 3.6, "speed\nkm/h", SPEED, ()),
        (acceleration_mps2, "acceleration\nm/s²", ACCELERATION, (-2.0, 1.5)),
        (jerk_mps3, "jerk\nm/s³", JERK, (-2.0, 2.0)),
    )
    for axis, (values, label, colour, bounds) in zip(axes, rows, strict=True):
        axis.plot(time_s, values, color=colour, linewidth=1.4)
        for bound in bounds:  # what people notice
            axis.axhline(bound, color=MUTED, linewidth=0.7, linestyle=(0, (4, 4)))
        for event in events:
            axis.axvspan(
                event.from_ns / 1e9, max(event.to_ns, event.from_ns + 3e8) / 1e9, color=WARN, alpha=0.18, linewidth=0
            )
        axis.set_ylabel(label, color=MUTED, fontsize=9)
        axis.grid(color=GRID, linewidth=0.6)
        axis.tick_params(colors=MUTED, labelsize=8)
        axis.spines[:].set_visible(False)
    axes[-1].set_xlabel("seconds since the ride began", color=MUTED, fontsize=9)
    axes[0].set_xlim(float(time_s[0]), float(time_s[-1]))
    figure.subplots_adjust(left=0.09, right=0.99, top=0.98, bottom=0.11, hspace=0.16)
    return _svg(figure), (0.09, 0.99)


def latencies(wall_s: np.ndarray) -> str:
    """Return an SVG histogram of frame-to-decision times (T,), in milliseconds; the few beyond lie in the last bar."""
    figure, axis = plt.subplots(figsize=(4.6, 2.2))
    wall_ms = wall_s * 1e3
    last_ms = 1.3 * float(np.percentile(wall_ms, 99))
    axis.hist(np.minimum(wall_ms, last_ms), bins=40, range=(0.0, last_ms), color=SPEED, alpha=0.85)
    for share, style, height in ((50, (0, (2, 2)), 0.95), (99, "-", 0.8)):
        value = float(np.percentile(wall_ms, share))
        axis.axvline(value, color=INK, linewidth=1, linestyle=style)
        axis.text(value, axis.get_ylim()[1] * height, f" p{share} {value:.1f} ms", color=INK, fontsize=8, va="top")
    axis.set_xlabel("frame to decision, ms", color=MUTED, fontsize=9)
    axis.set_yticks([])
    axis.tick_params(colors=MUTED, labelsize=8)
    axis.spines[:].set_visible(False)
    figure.subplots_adjust(left=0.02, right=0.98, top=0.98, bottom=0.24)
    return _svg(figure)


def track_map(
    town: Town,
    route: np.ndarray,
    track: np.ndarray,
    time_s: np.ndarray,
    events: tuple[Event, ...],
    margin_m: float = 60.0,
) -> str:
    """Return an SVG of the streets of a ride: route (n, 2) dashed, track (T, 2) solid, events crossed; world frame."""
    everything = np.concatenate([route, track])
    low, high = everything.min(axis=0) - margin_m, everything.max(axis=0) + margin_m
    figure, axis = plt.subplots(figsize=(5.6, 5.6 * float(np.clip((high[1] - low[1]) / (high[0] - low[0]), 0.5, 1.6))))
    width_px = figure.get_size_inches()[0] * 72.0
    points_per_m = width_px / (high[0] - low[0])
    for kind, colour, order in ((LaneKind.FOOT, "#eceff2", 1), (LaneKind.DRIVE, "#cfd6dd", 2)):
        for lane in np.flatnonzero(town.lane_kind == kind):
            line = town.line(int(lane))[:, :2]
            if ((line > low) & (line < high)).all(axis=1).any():
                axis.plot(
                    *line.T, color=colour, linewidth=town.lane_width_m[lane] * points_per_m, zorder=order,
                    solid_capstyle="butt",
                )  # fmt: skip
    for start, stop in zip(town.building_start[:-1], town.building_start[1:], strict=True):
        outline = town.building_points[start:stop]
        if ((outline > low) & (outline < high)).all(axis=1).any():
            axis.fill(*outline.T, color="#e4ddd3", zorder=0, linewidth=0)
    axis.plot(*route.T, color=MUTED, linewidth=1.2, linestyle=(0, (3, 2)), zorder=4)
    axis.plot(*track.T, color=SPEED, linewidth=2.2, zorder=5)
    axis.plot(*track[0], "o", color=ACCELERATION, markersize=7, zorder=6)
    axis.plot(*route[-1], "s", color=INK, markersize=6, zorder=6)
    for event in events:
        at = track[int(np.clip(np.searchsorted(time_s, event.from_ns / 1e9), 0, len(track) - 1))]
        axis.plot(*at, "x", color=WARN, markersize=8, markeredgewidth=2, zorder=7)
    axis.set_xlim(low[0], high[0])
    axis.set_ylim(low[1], high[1])
    axis.set_aspect("equal")
    axis.axis("off")
    figure.subplots_adjust(left=0, right=1, top=1, bottom=0)
    return _svg(figure)
