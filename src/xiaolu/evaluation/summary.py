"""What many rides come to: counts with exact 95 % intervals, comfort, latency; as a dictionary, a table, and CSV.

A ride that crashed or could not be judged counts among the rides and is never passed; a figure that no ride gave is
null, never a pass.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from xiaolu.evaluation.verdict import Outcome
from xiaolu.measures import interventions as rules
from xiaolu.measures.rates import distance_per_event_m, rate_per_km, share_interval

CRITICAL, ALL = "critical", "all"
THREE = 3  # "each item three runs, all must pass": GB/T 41798-2022 [second]
MEANS = (
    "comfort_noticed_time_share",
    "comfort_nuplan_style_time_share",
    "nuplan_style_closed_loop",
    "pdms_style",
    "epdms_style",
    "carla_2_1_style_driving_score",
    "bench2drive_style_driving_score",
    "bench2drive_style_success",
    "word_action_consistency",
)
COLUMNS = (
    "ride", "family", "seed", "town", "conditions", "outcome", "passed", "arrived", "reason", "duration_s", "route_m",
    "progress_m", "own_m",
)  # fmt: skip


def share(rows: Sequence[dict[str, Any]], holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return how many rows hold, of how many, with the Clopper-Pearson interval; null shares of no rows."""
    hits = sum(bool(holds(row)) for row in rows)
    if not rows:
        return {"count": 0, "share": None, "low": None, "high": None}
    interval = share_interval(hits, len(rows))
    return {"count": hits, "share": interval.value, "low": interval.low, "high": interval.high}


def mean(rows: Sequence[dict[str, Any]], name: str) -> float | None:
    """Return the mean of a score over the rides that have it, None where none has."""
    values = values_of(rows, name)
    return float(np.mean(values)) if values else None


def values_of(rows: Sequence[dict[str, Any]], name: str) -> list[float]:
    """Return a score's values, of the rides that have it."""
    return [row["scores"][name]["value"] for row in rows if row["scores"].get(name, {}).get("valid")]


def ruled(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return, by rule of the road, in how many rides it could be judged, in how many it held, and its source."""
    out: dict[str, Any] = {}
    for row in rows:
        for name, ruling in row["rules"].items():
            told = out.setdefault(name, {"source": ruling["source"], "judged": 0, "held": 0})
            told["judged"] += ruling["holds"] is not None
            told["held"] += ruling["holds"] is True
    return out


def by_family(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return passed, failed, invalid and crashed by family; first_three: all of its first three seeds passed."""
    out: dict[str, Any] = {}
    for name in dict.fromkeys(row["family"] for row in rows if row["family"]):
        own = [row for row in rows if row["family"] == name]
        outcomes = Counter(row["outcome"] for row in own)
        first = [row["passed"] for row in own[:THREE]]
        # A check may be asked of several actors: each ride counts once.
        each = ({check["check"] for check in row["checks"] if check["holds"] is not True} for row in own)
        broken = Counter(name for names in each for name in sorted(names))
        out[name] = {
            "rides": len(own),
            "passed": share(own, lambda row: row["passed"]),
            "failed": outcomes[Outcome.FAIL.value],
            "invalid": outcomes[Outcome.INVALID.value],
            "crashed": outcomes["crash"],
            "interventions": sum(len(row["interventions"]) for row in own),
            "first_three": all(first) if len(first) == THREE else None,
            "broken": dict(broken.most_common()),
        }
    return out


def summary_of(rows: list[dict[str, Any]], wall_s: np.ndarray) -> dict[str, Any]:
    """Return the figures over all rides; wall_s (T,): how long each decision took."""
    rides = len(rows)
    own_m = sum(row["own_m"] for row in rows)
    kinds = Counter(event["kind"] for row in rows for event in row["interventions"])
    critical = sum(count for kind, count in kinds.items() if kind in rules.CRITICAL)
    outcomes = Counter(row["outcome"] for row in rows)

    def per_km(count: int) -> dict[str, Any]:
        rate = rate_per_km(count, own_m) if own_m > 0.0 else None
        return {"count": count} | ({"per_km": rate.value, "low": rate.low, "high": rate.high} if rate else {})

    def distance(count: int) -> dict[str, Any]:
        """Metres per event; null where no event bounds it from above."""
        if own_m <= 0.0:
            return {"value_m": None, "low_m": None, "high_m": None}
        d = distance_per_event_m(count, own_m)
        return {
            k: v if np.isfinite(v) else None for k, v in (("value_m", d.value), ("low_m", d.low), ("high_m", d.high))
        }

    total = sum(kinds.values())
    seconds = sum(row["duration_s"] for row in rows)
    brakes = values_of(rows, "hard_brakes")
    return {
        "rides": rides,
        "arrived": share(rows, lambda row: row["arrived"]),
        "passed": share(rows, lambda row: row["passed"]),
        "failed": outcomes[Outcome.FAIL.value],
        "invalid": outcomes[Outcome.INVALID.value],
        "crashed": outcomes["crash"],
        "own_km": own_m / 1000.0,
        "interventions": per_km(total) | {"by_kind": {kind: per_km(count) for kind, count in sorted(kinds.items())}},
        "critical": per_km(critical),
        "distance_per_intervention": distance(total),
        "distance_per_critical_intervention": distance(critical),
        "contacts_by_users": sum(e["kind"] == rules.CONTACT_BY_USER for row in rows for e in row["events"]),
        **{name: mean(rows, name) for name in MEANS},
        "comfort_nuplan_style_rides": mean(rows, "comfort_nuplan_style_ride"),
        "comfort_noticed_rides": mean(rows, "comfort_noticed_ride"),
        "hard_brakes_per_km": sum(brakes) / own_m * 1000.0 if own_m > 0.0 and brakes else None,
        "mean_speed_mps": sum(r["progress_m"] for r in rows) / seconds if seconds > 0.0 else None,
        "latency_p50_ms": float(np.percentile(wall_s * 1e3, 50)) if len(wall_s) else None,
        "latency_p99_ms": float(np.percentile(wall_s * 1e3, 99)) if len(wall_s) else None,
        "rules": ruled(rows),
        "families": by_family(rows),
    }


def table(evaluation: dict[str, Any]) -> str:
    """Return the rides, or a suite's families, and the summary as text, for a terminal."""
    console = Console(width=118, file=io.StringIO(), record=True)
    title = f"{evaluation['driver']} in {evaluation.get('suite') or evaluation['town']}"
    s = evaluation["summary"]
    if s["families"]:
        console.print(_families(title, s["families"]))
    else:
        console.print(_rides(title, evaluation["rides"]))
    rate = s["interventions"]
    counts = f"passed {s['passed']['count']} of {s['rides']}, arrived {s['arrived']['count']}"
    extra = "".join(f", {name} {s[name]}" for name in ("invalid", "crashed") if s[name])
    console.print(f"{counts}{extra}; {s['own_km']:.2f} km own")
    if "per_km" in rate:
        console.print(f"interventions {rate['per_km']:.2f} per km ({rate['low']:.2f} to {rate['high']:.2f}, 95 %)")
        for kind, figure in rate["by_kind"].items():
            console.print(f"  {kind:22} {figure['count']:3}  {figure['per_km']:.2f} per km")
    noticed = s["comfort_noticed_time_share"]
    words = "comfort without data"
    if noticed is not None:
        words = f"comfort {100 * noticed:.1f} % of time inside what people notice"
    if s["latency_p50_ms"] is not None:
        words += f"; latency p50 {s['latency_p50_ms']:.1f} ms, p99 {s['latency_p99_ms']:.1f} ms"
    console.print(words)
    return console.export_text()


def _rides(title: str, rows: Sequence[dict[str, Any]]) -> Table:
    grid = Table(title=title, title_justify="left")
    for name in ("seed", "ride", "m", "s", "why it ended", "interventions"):
        grid.add_column(name, justify="left" if name in ("why it ended", "interventions") else "right")
    for row in rows:
        verdict = "passed" if row["passed"] else row["outcome"] if row["outcome"] != "fail" else "failed"
        what = ", ".join(f"{e['kind']} {e['from_s']:.0f}s" for e in row["interventions"])
        told = "arrived" if row["arrived"] and not row["passed"] else verdict
        driven = f"{row['progress_m']:.0f}", f"{row['duration_s']:.0f}"
        grid.add_row(str(row["seed"]), told, *driven, row["reason"], what)
    return grid


def _families(title: str, families: dict[str, Any]) -> Table:
    grid = Table(title=title, title_justify="left")
    for name in ("family", "passed", "95 %", "invalid", "crashed", "what did not hold"):
        grid.add_column(name, justify="left" if name in ("family", "what did not hold") else "right")
    for name, found in families.items():
        passed = found["passed"]
        broken = ", ".join(f"{check} {count}" for check, count in found["broken"].items())
        span = f"{100 * passed['low']:.0f} to {100 * passed['high']:.0f}"
        grid.add_row(name, f"{passed['count']}/{found['rides']}", span, str(found["invalid"] or ""),
                     str(found["crashed"] or ""), broken)  # fmt: skip
    return grid


def write_csv(evaluation: dict[str, Any], out: Path) -> None:
    """Write a line a ride: what it was, how it went, its interventions, and the value of every score (empty: none)."""
    rows = evaluation["rides"]
    names = list(dict.fromkeys(name for row in rows for name in row["scores"]))
    partial = out.with_name(out.name + ".part")
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, "interventions", "broken", *names])
        for row in rows:
            told = ["; ".join(f"{e['kind']} {e['from_s']:.1f}" for e in row["interventions"]), "; ".join(row["broken"])]
            values = [row["scores"].get(name, {}).get("value") for name in names]
            writer.writerow([*(row[name] for name in COLUMNS), *told, *("" if v is None else v for v in values)])
    partial.replace(out)
