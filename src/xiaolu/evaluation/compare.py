"""Two evaluations of the same rides side by side: who passed what, and the ratio of their interventions."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import binom

from xiaolu.evaluation.summary import CRITICAL, mean
from xiaolu.measures import interventions as rules
from xiaolu.measures.rates import rate_ratio

FIGURES = (
    "comfort_noticed_time_share",
    "comfort_noticed_ride",
    "comfort_nuplan_style_ride",
    "nuplan_style_closed_loop",
    "pdms_style",
    "epdms_style",
    "carla_2_1_style_driving_score",
    "word_action_consistency",
)
SAME = ("schema",)
ASKED = ("suite", "split", "town_digest", "length_m", "conditions")  # where either names it, both must


def load_evaluation(path: Path) -> dict[str, Any]:
    """Read a JSON of `xiaolu evaluate`. Raises ValueError naming the file when it is something else."""
    try:
        evaluation = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not an evaluation: {error}; `xiaolu evaluate --out FILE` writes one") from error
    if not isinstance(evaluation, dict) or not {"summary", "rides", "driver", *SAME} <= set(evaluation):
        raise ValueError(f"{path} is not an evaluation: it lacks summary and rides; `xiaolu evaluate` writes one")
    if any("ride" not in row for row in evaluation["rides"]):
        raise ValueError(f"{path} was written by an earlier version, whose rides have no names; evaluate again")
    return evaluation


def common_rides(evaluations: Sequence[dict[str, Any]]) -> tuple[list[dict[str, dict[str, Any]]], list[str]]:
    """Return (each evaluation's rides by name, the names of the rides that all of them drove).

    Raises ValueError when they are not of the same rides: suite and split, towns, routes and conditions must agree.
    """
    one, first = evaluations[0], {row["ride"]: row for row in evaluations[0]["rides"]}
    each = [first]
    for other in evaluations[1:]:
        for field in (*SAME, *ASKED):
            if one.get(field) != other.get(field):
                raise ValueError(
                    f"compare: {field} is {one.get(field)} in one and {other.get(field)} in the other: "
                    f"not the same rides ({one['driver']} and {other['driver']})"
                )
        each.append({row["ride"]: row for row in other["rides"]})
    names = [ride for ride in first if all(ride in rides for rides in each)]
    if not names:
        raise ValueError(f"compare: no ride in common ({' and '.join(_span(list(rides)) for rides in each)})")
    for ride in names:
        # What crashed before it began has neither town nor route.
        known = [rides[ride] for rides in each if rides[ride]["town_digest"] and rides[ride]["route_m"]]
        for other in known[1:]:
            for field in ("town_digest", "route_m", "conditions"):
                if known[0][field] != other[field]:
                    raise ValueError(
                        f"compare: {ride}: {field} is {known[0][field]} in one and {other[field]} in the other"
                    )
    return each, names


def compare(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return how `one` stands to `other` on the rides that both drove.

    ratio: interventions per own km of one over the other's, exact conditional 95 % interval, by kind as well; only_one,
    only_other: rides that only that driver passed; chance: of a split at least as uneven if both were alike (exact
    two-sided binomial on those rides); families: passed by family; figures: means over these rides. Raises ValueError
    when the two did not drive the same rides: suite and split, towns, routes and conditions must agree.
    """
    (first, second), seeds = common_rides((one, other))
    kinds = sorted({e["kind"] for rows in (first, second) for s in seeds for e in rows[s]["interventions"]})
    driven = [s for s in seeds if first[s]["route_m"] and second[s]["route_m"]]  # a crash has no kilometres
    only_one = [s for s in seeds if first[s]["passed"] and not second[s]["passed"]]
    only_other = [s for s in seeds if second[s]["passed"] and not first[s]["passed"]]
    split = len(only_one) + len(only_other)
    least = min(len(only_one), len(only_other))
    return {
        "drivers": [one["driver"], other["driver"]],
        "rides": len(seeds),
        "passed": [sum(rows[s]["passed"] for s in seeds) for rows in (first, second)],
        "arrived": [sum(rows[s]["arrived"] for s in seeds) for rows in (first, second)],
        "only_one": only_one,
        "only_other": only_other,
        "chance": float(min(1.0, 2.0 * binom.cdf(least, split, 0.5))) if split else 1.0,
        "own_km": [sum(rows[s]["own_m"] for s in driven) / 1000.0 for rows in (first, second)],
        "families": {
            family: [sum(rows[s]["passed"] for s in seeds if rows[s]["family"] == family) for rows in (first, second)]
            + [sum(first[s]["family"] == family for s in seeds)]
            for family in dict.fromkeys(first[s]["family"] for s in seeds)
            if family
        },
        "figures": {name: [mean([rows[s] for s in seeds], name) for rows in (first, second)] for name in FIGURES},
        "interventions": {kind: _ratio(first, second, driven, kind) for kind in ("all", CRITICAL, *kinds)},
    }


def _ratio(first: dict, second: dict, seeds: Sequence[str], kind: str) -> dict[str, Any]:
    def count(rows: dict) -> int:
        return sum(
            kind in ("all", event["kind"]) or (kind == CRITICAL and event["kind"] in rules.CRITICAL)
            for s in seeds
            for event in rows[s]["interventions"]
        )

    own_m = [sum(rows[s]["own_m"] for s in seeds) for rows in (first, second)]
    counts = [count(first), count(second)]
    if min(own_m) <= 0.0:
        return {"counts": counts, "ratio": None, "low": None, "high": None}
    ratio = rate_ratio(counts[0], own_m[0], counts[1], own_m[1])
    told = {"ratio": ratio.value, "low": ratio.low, "high": ratio.high}
    return {"counts": counts} | {k: v if np.isfinite(v) else None for k, v in told.items()}


def _span(rides: Sequence[str]) -> str:
    return f"{rides[0]} to {rides[-1]}" if rides else "no rides"


def table(found: dict[str, Any]) -> str:
    """Return a comparison as text, for a terminal."""
    one, other = found["drivers"]
    console = Console(width=110, file=io.StringIO(), record=True)
    grid = Table(title=f"{one} beside {other}, {found['rides']} rides", title_justify="left")
    for heading in ("", one, other, "ratio", "95 %"):
        grid.add_column(heading, justify="left" if not heading else "right")
    for name in ("passed", "arrived"):
        grid.add_row(name, *(str(count) for count in found[name]), "", "")
    grid.add_row("own km", *(f"{km:.2f}" for km in found["own_km"]), "", "")
    for kind, figure in found["interventions"].items():
        ratio = "-" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
        low = "0" if figure["low"] is None else f"{figure['low']:.2f}"
        high = "∞" if figure["high"] is None else f"{figure['high']:.2f}"
        name = "interventions" if kind == "all" else f"  {kind}"
        grid.add_row(name, *(str(count) for count in figure["counts"]), ratio, f"{low} to {high}")
    for name, values in found["figures"].items():
        grid.add_row(name.replace("_", " "), *("-" if v is None else f"{v:.3f}" for v in values), "", "")
    console.print(grid)
    if found["families"]:
        each = Table("family", one, other, "rides")
        for family, (ours, theirs, rides) in found["families"].items():
            each.add_row(family, str(ours), str(theirs), str(rides))
        console.print(each)
    console.print(
        f"only {one} passed {len(found['only_one'])} rides, only {other} {len(found['only_other'])}; "
        f"chance of such a split between equals {found['chance']:.3f}"
    )
    return console.export_text()
