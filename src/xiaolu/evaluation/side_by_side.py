"""Several drivers in one table, on the rides that all of them drove. In: evaluations; out: a line a driver."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from xiaolu.evaluation.compare import common_rides
from xiaolu.evaluation.summary import summary_of
from xiaolu.measures import interventions as rules

Summary = dict[str, Any]


def side_by_side(evaluations: Sequence[dict[str, Any]]) -> tuple[int, list[tuple[str, Summary]]]:
    """Return (how many rides all drove, (driver, summary over these rides) in the order given).

    Raises ValueError for fewer than two, for a driver given twice, and for evaluations of other rides.
    """
    drivers = [evaluation["driver"] for evaluation in evaluations]
    if len(evaluations) < 2:
        raise ValueError(f"a table needs at least two evaluations, not {len(evaluations)}")
    if len(set(drivers)) < len(drivers):
        raise ValueError(f"a driver stands in the table once; given are {', '.join(drivers)}")
    each, names = common_rides(evaluations)
    nobody = np.empty(0)  # latencies of evaluations made at different times say nothing side by side
    return len(names), [
        (driver, summary_of([rides[name] for name in names], nobody))
        for driver, rides in zip(drivers, each, strict=True)
    ]


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"


def _rate(rate: dict[str, Any]) -> str:
    if "per_km" not in rate:
        return "-"
    return f"{rate['per_km']:.2f} ({rate['low']:.2f} to {rate['high']:.2f})"


def _kind(summary: Summary, kind: str) -> str:
    return str(summary["interventions"]["by_kind"].get(kind, {"count": 0})["count"])


COLUMNS: dict[str, Callable[[Summary], str]] = {
    "passed": lambda s: f"{s['passed']['count']} of {s['rides']}",
    "95 %": lambda s: f"{100 * s['passed']['low']:.0f} to {100 * s['passed']['high']:.0f} %",
    "arrived": lambda s: str(s["arrived"]["count"]),
    "invalid": lambda s: str(s["invalid"]),
    "crashed": lambda s: str(s["crashed"]),
    "own km": lambda s: _number(s["own_km"]),
    "interventions per km (95 %)": lambda s: _rate(s["interventions"]),
    "critical per km (95 %)": lambda s: _rate(s["critical"]),
    "contacts": lambda s: _kind(s, rules.CONTACT),
    "red lines": lambda s: _kind(s, rules.RED_LINE),
    "comfort, time": lambda s: _percent(s["comfort_noticed_time_share"]),
    "comfort, rides": lambda s: _percent(s["comfort_noticed_rides"]),
    "hard brakes per km": lambda s: _number(s["hard_brakes_per_km"]),
    "nuPlan-style": lambda s: _number(s["nuplan_style_closed_loop"]),
    "PDMS-style": lambda s: _number(s["pdms_style"]),
    "EPDMS-style": lambda s: _number(s["epdms_style"]),
    "CARLA-2.1-style": lambda s: _number(s["carla_2_1_style_driving_score"], 0),
    "m/s": lambda s: _number(s["mean_speed_mps"], 1),
}


def table(rides: int, found: Sequence[tuple[str, Summary]]) -> str:
    """Return the table for a terminal: a column a driver."""
    grid = Table(title=f"{rides} rides that all drove", title_justify="left")
    grid.add_column("")
    for driver, _ in found:
        grid.add_column(driver, justify="right")
    for name, cell in COLUMNS.items():
        grid.add_row(name, *(cell(summary) for _, summary in found))
    console = Console(width=max(100, 30 + 22 * len(found)), file=io.StringIO(), record=True)
    console.print(grid)
    return console.export_text()


def markdown(rides: int, found: Sequence[tuple[str, Summary]]) -> str:
    """Return the table as Markdown: a column a driver."""
    lines = [f"| {rides} rides | " + " | ".join(driver for driver, _ in found) + " |", "|---" * (len(found) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(cell(s) for _, s in found) + " |" for name, cell in COLUMNS.items()]
    return "\n".join(lines) + "\n"
