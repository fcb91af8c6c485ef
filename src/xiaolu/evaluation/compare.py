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

from xiaolu.measures.rates import rate_ratio

SAME = ("schema", "town_digest", "length_m", "conditions")


def load_evaluation(path: Path) -> dict[str, Any]:
    """Read a JSON of `xiaolu evaluate`. Raises ValueError naming the file when it is something else."""
    try:
        evaluation = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not an evaluation: {error}; `xiaolu evaluate --out FILE` writes one") from error
    if not isinstance(evaluation, dict) or not {"summary", "rides", *SAME} <= set(evaluation):
        raise ValueError(f"{path} is not an evaluation: it lacks summary and rides; `xiaolu evaluate` writes one")
    return evaluation


def compare(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return how `one` stands to `other` on the rides that both drove.

    ratio: interventions per own km of one over the other's, exact conditional 95 % interval, by kind as well; only_one,
    only_other: rides that only that driver passed; chance: of a split at least as uneven if both were alike (exact
    two-sided binomial on those rides). Raises ValueError when the two did not drive the same rides.
    """
    for field in SAME:
        if one[field] != other[field]:
            raise ValueError(
                f"compare: {field} is {one[field]} in one and {other[field]} in the other: not the same rides"
            )
    first, second = ({row["seed"]: row for row in e["rides"]} for e in (one, other))
    seeds = sorted(set(first) & set(second))
    if not seeds:
        raise ValueError(f"compare: no seed in common ({_span(sorted(first))} and {_span(sorted(second))})")
    kinds = sorted({e["kind"] for rows in (first, second) for s in seeds for e in rows[s]["interventions"]})
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
        "own_km": [sum(rows[s]["own_m"] for s in seeds) / 1000.0 for rows in (first, second)],
        "interventions": {kind: _ratio(first, second, seeds, kind) for kind in ("all", *kinds)},
    }


def _ratio(first: dict, second: dict, seeds: Sequence[int], kind: str) -> dict[str, Any]:
    def count(rows: dict) -> int:
        return sum(kind in ("all", event["kind"]) for s in seeds for event in rows[s]["interventions"])

    own_m = [sum(rows[s]["own_m"] for s in seeds) for rows in (first, second)]
    counts = [count(first), count(second)]
    if min(own_m) <= 0.0:
        return {"counts": counts, "ratio": None, "low": None, "high": None}
    ratio = rate_ratio(counts[0], own_m[0], counts[1], own_m[1])
    told = {"ratio": ratio.value, "low": ratio.low, "high": ratio.high}
    return {"counts": counts} | {k: v if np.isfinite(v) else None for k, v in told.items()}


def _span(seeds: Sequence[int]) -> str:
    return f"seeds {seeds[0]} to {seeds[-1]}" if seeds else "no rides"


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
    console.print(grid)
    console.print(
        f"only {one} passed {len(found['only_one'])} rides, only {other} {len(found['only_other'])}; "
        f"chance of such a split between equals {found['chance']:.3f}"
    )
    return console.export_text()
