"""The figures of `streets.py` from what single rides showed: rates, tables, a plot beside the recordings."""

from collections import defaultdict
from pathlib import Path

import numpy as np
from gauges import REFERENCE
from reasons import MEANING

PERCENTILES = (5, 25, 50, 75, 95)


def percentiles(values: list[float]) -> list[float]:
    return [round(float(np.percentile(values, p)), 3) for p in PERCENTILES] if values else []


def summary(parts: list[dict]) -> dict:
    """Return the figures of a family, or of all: rates per user-hour, and percentiles beside the measured ones."""
    hours = sum(part["user_hours"] for part in parts)
    values: dict[str, list[float]] = defaultdict(list)
    for part in parts:
        for name, some in part["values"].items():
            values[name] += some
    contacts = [{"seed": part["seed"], "town": part["town"]} | one for part in parts for one in part["contacts"]]
    stuck, caused = (
        [{"seed": part["seed"], "town": part["town"]} | one for part in parts for one in part[name]]
        for name in ("stuck", "stood_with_cause")
    )
    reasons: dict[str, float] = defaultdict(float)
    for one in stuck + caused:
        for why, lasted in one["reasons"].items():
            reasons[why] += lasted
    return {
        "hours": sum(part["seconds"] for part in parts) / 3600.0,
        "user_hours": round(hours, 2),
        "contacts_per_1000_user_hours": round(1000.0 * len(contacts) / max(hours, 1e-9), 2),
        "contacts": contacts,
        "stuck_s_per_user_hour": round(sum(one["seconds"] for one in stuck) / max(hours, 1e-9), 2),
        "stuck": stuck,
        "stood_with_cause": caused,
        "stood_s_by_reason": {why: round(reasons[why], 1) for why in MEANING},
        "cleared_away": sum(part["cleared_away"] for part in parts),
        "hard_braking_ticks_per_user_hour": round(sum(part["hard_ticks"] for part in parts) / max(hours, 1e-9), 2),
        "hard_braking_events_per_user_hour": round(sum(part["hard_events"] for part in parts) / max(hours, 1e-9), 2),
        "backing_s_per_user_hour": round(sum(part["backing_s"] for part in parts) / max(hours, 1e-9), 2),
        "distributions": {
            name: {
                "unit": unit,
                "n": len(values[name]),
                "simulated": percentiles(values[name]),
                "measured": list(measured),
                "measured_by": source,
            }
            for name, (unit, source, measured) in REFERENCE.items()
        },
    }


def table(figures: dict) -> str:
    """Return the figures as the two Markdown tables of `docs/realism.md`."""
    columns = {
        "hours": "{:.2g}",
        "user_hours": "{:.1f}",
        "contacts": "{}",
        "stood_with_cause": "{}",
        "stuck": "{}",
        "stuck_s_per_user_hour": "{:.1f}",
        "cleared_away": "{}",
        "hard_braking_events_per_user_hour": "{:.1f}",
        "backing_s_per_user_hour": "{:.1f}",
    }
    lines = [
        "| family | hours | user-hours | contacts | stood over a minute, with a cause | without | stuck s per "
        "user-hour | cleared away | hard braking, events per user-hour | backing s per user-hour |",
        "|---" * 10 + "|",
    ]
    for name, one in [*figures["families"].items(), ("all", figures["all"])]:
        values = {key: len(one[key]) if isinstance(one[key], list) else one[key] for key in columns}
        lines.append("| " + " | ".join([name, *(form.format(values[key]) for key, form in columns.items())]) + " |")
    lines += ["", "| stood, s beyond the first minute | " + " | ".join(figures["families"]) + " | all |"]
    lines += ["|---" * (len(figures["families"]) + 2) + "|"]
    for why, meaning in MEANING.items():
        told = [f"{one['stood_s_by_reason'][why]:.0f}" for one in (*figures["families"].values(), figures["all"])]
        lines.append("| " + " | ".join([f"{why}: {meaning}", *told]) + " |")
    lines += ["", "| figure | n | simulated, percentiles 5 / 25 / 50 / 75 / 95 | measured |", "|---" * 4 + "|"]
    for name, one in figures["all"]["distributions"].items():
        told = (" / ".join(f"{value:.2f}" for value in one[key]) for key in ("simulated", "measured"))
        lines.append("| " + " | ".join([f"{name}, {one['unit']}", str(one["n"]), *told]) + " |")
    return "\n".join(lines)


def plot(figures: dict, path: Path) -> None:
    """Draw every distribution as two bars, measured over simulated: 5 to 95 % thin, 25 to 75 % thick, a median dot."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [name for name, one in figures["distributions"].items() if one["n"] >= 5]
    columns = 3
    rows = -(-len(names) // columns)
    picture, axes = plt.subplots(rows, columns, figsize=(13.0, 1.25 * rows + 0.6), squeeze=False)
    for axis in axes.ravel()[len(names) :]:
        axis.axis("off")
    for axis, name in zip(axes.ravel(), names, strict=False):
        one = figures["distributions"][name]
        for height, key, colour in ((1.0, "measured", "#66727f"), (0.0, "simulated", "#1f6feb")):
            low, quarter, middle, upper, high = one[key]
            axis.plot([low, high], [height, height], color=colour, lw=1.5)
            axis.plot([quarter, upper], [height, height], color=colour, lw=7, solid_capstyle="butt")
            axis.plot([middle], [height], "o", color="white", ms=4, mec=colour)
        axis.set_yticks([0.0, 1.0], [f"here ({one['n']})", one["measured_by"]], fontsize=7)
        axis.set_ylim(-0.6, 1.6)
        axis.set_title(f"{name}, {one['unit']}", fontsize=8, loc="left")
        axis.tick_params(axis="x", labelsize=7)
        axis.grid(axis="x", color="#dfe5ea")
        for side in ("top", "right", "left"):
            axis.spines[side].set_visible(False)
    picture.tight_layout()
    picture.savefig(path, dpi=110, **({"pil_kwargs": {"quality": 75}} if path.suffix == ".webp" else {}))
    plt.close(picture)
