"""The page that sets two drivers side by side. In: what `evaluation.compare` found; out: one HTML file."""

import html
from pathlib import Path
from typing import Any

from xiaolu import __version__
from xiaolu.report.document import document
from xiaolu.report.evaluation import percent, section, share_bar, table


def write_comparison(found: dict[str, Any], one: dict[str, Any], other: dict[str, Any], out: Path) -> Path:
    """Write the page; found: of `compare(one, other)`. Return its path."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".part")
    partial.write_text(page(found, one, other), encoding="utf-8")
    partial.replace(out)
    return out


def page(found: dict[str, Any], one: dict[str, Any], other: dict[str, Any]) -> str:
    """Return the page's HTML."""
    names = found["drivers"]
    where = f"suite {one['suite']}, {one['split']} seeds" if one.get("suite") else f"rides in {one['town']}"
    sections = [
        section("Interventions", _ratios(found), RATIO.format(*names)),
        section("Passed by family", _families(found)) if found["families"] else "",
        section("Scores", _figures(found)),
        section("Rides that only one of them passed", _split(found, one, other)),
    ]
    return document(
        "evaluation",
        title=html.escape(f"{names[0]} beside {names[1]}: {where}"),
        lead=html.escape(
            f"The same {found['rides']} rides: towns, seeds and routes agree. Between two drivers that are alike "
            f"a split of single passes at least as uneven as this one has a chance of {found['chance']:.3g}."
        ),
        tiles="".join(_tiles(found)),
        sections="\n".join(sections),
        footer=html.escape(
            f"Xiaolu {__version__}. Ratios are of interventions per kilometre driven by the driver itself, with exact "
            "conditional intervals (Clopper-Pearson on the split of counts, weighted by kilometres). Simulation only."
        ),
    )


RATIO = "{} over {}: below 1 the first needs less. Where the interval holds 1, neither is shown to be better."


def _tiles(found: dict[str, Any]) -> list[str]:
    figure = found["interventions"]["all"]
    ratio = "–" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
    tiles = [
        *(
            (f"{count} of {found['rides']}", f"passed by {name}")
            for name, count in zip(found["drivers"], found["passed"], strict=True)
        ),
        (ratio, f"ratio of interventions per km ({_span(figure)})"),
        (f"{len(found['only_one'])} / {len(found['only_other'])}", "passed by the first only / by the second only"),
    ]
    return [f'<div class="tile"><b>{html.escape(b)}</b><span>{html.escape(t)}</span></div>' for b, t in tiles]


def _span(figure: dict[str, Any]) -> str:
    low = "0" if figure["low"] is None else f"{figure['low']:.2f}"
    return f"{low} to {'∞' if figure['high'] is None else format(figure['high'], '.2f')}"


def _ratios(found: dict[str, Any]) -> str:
    rows = [("own km", *(f"{km:.2f}" for km in found["own_km"]), "", "")]
    for kind, figure in found["interventions"].items():
        ratio = "–" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
        name = "<b>all</b>" if kind == "all" else html.escape(kind.replace("_", " "))
        rows.append((name, *(str(c) for c in figure["counts"]), ratio, _span(figure)))
    return table(("kind", *found["drivers"], "ratio", "95 %"), rows, (1, 2, 3, 4))


def _families(found: dict[str, Any]) -> str:
    rows = []
    for name, (ours, theirs, rides) in found["families"].items():
        bars = (share_bar(count / rides, count / rides, count / rides) for count in (ours, theirs))
        rows.append((html.escape(name), *bars, f"{ours} : {theirs} of {rides}"))
    return table(("family", *found["drivers"], ""), rows, (3,))


def _figures(found: dict[str, Any]) -> str:
    rows = []
    for name, values in found["figures"].items():
        scale = percent if "score" not in name else lambda v: "–" if v is None else f"{v:.1f}"
        rows.append((html.escape(name.replace("_", " ")), *(scale(value) for value in values)))
    return table(("mean", *found["drivers"]), rows, (1, 2))


def _split(found: dict[str, Any], one: dict[str, Any], other: dict[str, Any]) -> str:
    rows = []
    for passed, names, failed in (
        (found["drivers"][0], found["only_one"], other),
        (found["drivers"][1], found["only_other"], one),
    ):
        by_ride = {row["ride"]: row for row in failed["rides"]}
        for name in names:
            row = by_ride[name]
            why = "; ".join(row["broken"]) or ", ".join(e["kind"] for e in row["interventions"]) or row["reason"]
            rows.append((html.escape(name), html.escape(passed), f"<span class='why'>{html.escape(why[:240])}</span>"))
    if not rows:
        return '<p class="lead">None: both passed the same rides.</p>'
    return table(("ride", "passed by", "what went wrong for the other"), rows)
