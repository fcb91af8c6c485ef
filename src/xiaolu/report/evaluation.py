"""The page about an evaluation: what passed, what did not and a film of it, interventions, comfort, rules of the road.

In: the JSON of `xiaolu evaluate` and the logs beside it. The page holds everything, films too, and can be mailed.
"""

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from xiaolu import __version__
from xiaolu.cameras.renderer import Renderer
from xiaolu.episodes.rides import read_ride
from xiaolu.report.document import document
from xiaolu.report.failures import write_film
from xiaolu.report.page import town_of_ride
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.town import Town

GOOD, BAD, LINE = "#0f9d78", "#d1382c", "#66727f"
MARKS = {"pass": "passed", "fail": "failed", "invalid": "could not be judged", "crash": "crashed"}


def write_page(
    evaluation: dict[str, Any], out: Path, town: Path | None = None, towns: Path | None = None, films: bool = True
) -> Path:
    """Write the page beside an evaluation's JSON `out` and return its path.

    town: the town file of the rides; towns: folder of the suite's towns; films: of everything that did not pass.
    """
    shot = _films(evaluation["rides"], out.parent, town, towns) if films else {}
    where = out.with_suffix(".html")
    partial = where.with_name(where.name + ".part")
    partial.write_text(page(evaluation, shot), encoding="utf-8")
    partial.replace(where)
    return where


def _films(rows: Sequence[dict[str, Any]], folder: Path, town: Path | None, towns: Path | None) -> dict[str, bytes]:
    """Return a film (MP4) of each row that left a log, by the ride's name."""
    logged = [row for row in rows if row["log"] and (folder / row["log"]).exists()]
    logged.sort(key=lambda row: row["town_digest"])  # a town's renderer is made once
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    out: dict[str, bytes] = {}
    renderer: Renderer | None = None
    present: tuple[str, Town] | None = None
    if not logged:
        return out
    with Progress(*columns, console=Console(stderr=True)) as progress, TemporaryDirectory() as scratch:
        bar = progress.add_task("films of what did not pass", total=len(logged))
        try:
            for row in logged:
                log = folder / row["log"]
                if present is None or present[0] != row["town_digest"]:
                    if renderer is not None:
                        renderer.close()
                    loaded = _town_of(log, row, town, towns)
                    renderer, present = Renderer(loaded), (row["town_digest"], loaded)
                assert renderer is not None
                film = write_film(log, present[1], row, renderer, Path(scratch) / "film.mp4")
                out[row["ride"]] = film.read_bytes()
                progress.advance(bar)
        finally:
            if renderer is not None:
                renderer.close()
    return out


def _town_of(log: Path, row: dict[str, Any], town: Path | None, towns: Path | None) -> Town:
    if town is not None:
        return town_of_ride(read_ride(log).header, town)
    family, _, seed = row["town"].rpartition("-")
    return Towns(towns).get("old-town" if family == "town" else family, int(seed))


def page(evaluation: dict[str, Any], films: dict[str, bytes]) -> str:
    """Return the page's HTML; films: MP4 by ride."""
    rows, s = evaluation["rides"], evaluation["summary"]
    suite = evaluation.get("suite")
    seeds = sorted({row["seed"] for row in rows})
    where = f"suite {suite}, {evaluation['split']} seeds" if suite else f"rides in {evaluation['town']}, seeds"
    where += f" {seeds[0]} to {seeds[-1]}"
    sections = [
        section("Families", _families(s["families"]), "Passed rides of each family with their exact 95 % interval.")
        if s["families"]
        else "",
        section("Interventions", _interventions(s), INTERVENTIONS),
        section("Scores", _scores(s)),
        section("Rules of the road", _rules(s["rules"]), RULES),
        section("Met on the way", _met(evaluation["met_per_km"])) if "met_per_km" in evaluation else "",
        section("What did not pass", _cards([row for row in rows if not row["passed"]], films)),
        section("All rides", f"<details><summary>{len(rows)} rides</summary>{_rides(rows)}</details>"),
    ]
    return document(
        "evaluation",
        title=html.escape(f"{evaluation['driver']}: {where}"),
        lead=html.escape(
            f"{s['rides']} rides, {s['own_km']:.1f} km driven by the driver itself. Simulation, in a world, with a "
            "referee and by rules of this project's own making."
        ),
        tiles=_tiles(s),
        sections="\n".join(sections),
        footer=html.escape(
            f"Xiaolu {__version__}, a reference system trained and tested in simulation, not for public roads. "
            "A “-style” score follows a public definition and is not that benchmark. Intervals are exact: "
            "Clopper-Pearson for shares, Garwood for rates. A ride that crashed or could not be judged never passes."
        ),
    )


INTERVENTIONS = (
    "Moments that would have needed a person, by rules fixed before any run; after each the teacher drives for ten "
    "seconds, and those metres are not the driver's. Contacts that another user caused are counted apart."
)
RULES = "In how many of the rides in which a rule could be judged it was kept, and where the rule comes from."


def section(title: str, body: str, lead: str = "") -> str:
    """Return a part of a page; body is HTML."""
    told = f'<p class="lead">{html.escape(lead)}</p>' if lead else ""
    return f"<h2>{html.escape(title)}</h2>{told}{body}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Return a table of cells that are HTML already; `numbers` are the columns that are aligned right."""
    kind = [" class='n'" if k in numbers else "" for k in range(len(heads))]
    head = "".join(f"<th{k}>{html.escape(h)}</th>" for k, h in zip(kind, heads, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{k}>{cell}</td>" for k, cell in zip(kind, row, strict=True)) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def share_bar(value: float, low: float, high: float) -> str:
    """Return an SVG bar of a share, 0 to 1, with its interval."""
    colour = GOOD if value > 0.95 else "#c98a12" if value > 0.5 else BAD
    return (
        f'<svg class="bar" viewBox="0 0 220 14"><rect width="220" height="14" rx="3" fill="#eef2f5"/>'
        f'<rect width="{220 * value:.1f}" height="14" rx="3" fill="{colour}" opacity=".75"/>'
        f'<path d="M{220 * low:.1f} 7H{220 * high:.1f}M{220 * low:.1f} 3v8M{220 * high:.1f} 3v8" '
        f'stroke="#1d2733" stroke-width="1.2" fill="none"/></svg>'
    )


def _tiles(s: dict[str, Any]) -> str:
    passed, rate, far = s["passed"], s["interventions"], s["distance_per_critical_intervention"]
    tiles = [
        (f"{passed['count']} of {s['rides']}", f"passed ({percent(passed['low'])} to {percent(passed['high'])})"),
        (f"{rate['per_km']:.2f}", f"interventions per km ({rate['low']:.2f} to {rate['high']:.2f})")
        if "per_km" in rate
        else ("–", "interventions per km"),
        _km(far),
        (percent(s["comfort_noticed_time_share"]), "of the time nothing a passenger would notice"),
        (percent(s["comfort_noticed_rides"]), "of rides without any such moment"),
        (percent(s["word_action_consistency"]), "of what it said was true"),
    ]
    if s["invalid"] or s["crashed"]:
        tiles.append((f"{s['invalid']} / {s['crashed']}", "could not be judged / crashed"))
    return "".join(f'<div class="tile"><b>{html.escape(b)}</b><span>{html.escape(t)}</span></div>' for b, t in tiles)


def percent(value: float | None) -> str:
    """Return a share in words; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.1f} %" if 0.0 < value < 1.0 else f"{100 * value:.0f} %"


def _km(distance: dict[str, Any]) -> tuple[str, str]:
    name, low_m = "km per critical intervention", distance["low_m"]
    if low_m is None:
        return "–", name
    if distance["value_m"] is None:
        return f"> {low_m / 1000:.2g}", f"{name} (none in all)"
    span = f"{low_m / 1000:.2g} to {distance['high_m'] / 1000:.3g}"
    return f"{distance['value_m'] / 1000:.2g}", f"{name} ({span})"


def _families(families: dict[str, Any]) -> str:
    rows = []
    for name, found in families.items():
        p = found["passed"]
        broken = ", ".join(f"{check.replace('_', ' ')} {count}" for check, count in found["broken"].items())
        extra = [f"{found[kind]} {kind}" for kind in ("invalid", "crashed") if found[kind]]
        rows.append(
            (
                f'<a href="#{html.escape(name)}">{html.escape(name)}</a>'
                if p["count"] < found["rides"]
                else html.escape(name),
                share_bar(p["share"], p["low"], p["high"]),
                f"{p['count']} / {found['rides']}",
                f"{100 * p['low']:.0f}–{100 * p['high']:.0f} %",
                f"<span class='why'>{html.escape(', '.join([*extra, broken] if broken else extra))}</span>",
            )
        )
    return table(("family", "", "passed", "95 %", "what did not hold"), rows, (2, 3))


def _interventions(s: dict[str, Any]) -> str:
    rows = [("<b>all</b>", s["interventions"]), ("<b>critical</b>", s["critical"])]
    rows += [(html.escape(k.replace("_", " ")), v) for k, v in s["interventions"]["by_kind"].items()]
    told = [
        (
            name,
            str(rate["count"]),
            *((f"{rate[k]:.2f}" for k in ("per_km", "low", "high")) if "per_km" in rate else "–––"),
        )
        for name, rate in rows
    ]
    told.append(("contacts caused by others", str(s["contacts_by_users"]), "", "", ""))
    return table(("kind", "count", "per km", "95 % from", "to"), told, (1, 2, 3, 4))


def _scores(s: dict[str, Any]) -> str:
    names = (
        "comfort_noticed_time_share", "comfort_noticed_rides", "comfort_nuplan_style_time_share",
        "comfort_nuplan_style_rides", "nuplan_style_closed_loop", "pdms_style", "epdms_style",
        "carla_2_1_style_driving_score",
        "bench2drive_style_driving_score", "bench2drive_style_success", "word_action_consistency",
        "hard_brakes_per_km", "mean_speed_mps", "latency_p50_ms", "latency_p99_ms",
    )  # fmt: skip
    rows = [(html.escape(n.replace("_", " ")), "no data" if s[n] is None else f"{s[n]:.3g}") for n in names]
    return table(("score", "mean over the rides that have it"), rows, (1,))


def _rules(rules: dict[str, Any]) -> str:
    rows = (
        (html.escape(name.replace("_", " ")), f"{r['held']} / {r['judged']}", html.escape(r["source"]))
        for name, r in rules.items()
    )
    return table(("rule", "kept", "document, clause [status]"), rows, (1,))


def _met(met: dict[str, dict[str, float]]) -> str:
    names = sorted({name for row in met.values() for name in row})
    rows = (
        (html.escape(n.replace("_", " ")), *(f"{row[n]:g}" if n in row else "–" for row in met.values())) for n in names
    )
    return table(("per km", *met), rows, range(1, len(met) + 1))


def _cards(rows: Sequence[dict[str, Any]], films: dict[str, bytes]) -> str:
    if not rows:
        return '<p class="lead">Everything passed.</p>'
    seen: set[str] = set()
    cards = []
    for row in rows:
        anchor = "" if row["family"] in seen else f' id="{html.escape(row["family"])}"'
        seen.add(row["family"])
        film = films.get(row["ride"])
        data = base64.b64encode(film).decode() if film else ""
        shown = (
            f'<video controls muted loop playsinline preload="metadata" src="data:video/mp4;base64,{data}"></video>'
            if film
            else '<div class="none">no film: the ride never began, or films were not asked for</div>'
        )
        told = [f"{e['kind'].replace('_', ' ')} at {e['from_s']:.1f} s {e['detail']}" for e in row["interventions"]]
        told += [text for text in row["broken"] if not text.startswith("intervention_free")]
        items = "".join(f"<li>{html.escape(text)}</li>" for text in told)
        again = f"<code>xiaolu replay {html.escape(row['log'])}</code>" if row["log"] else ""
        cards.append(
            f'<div class="card"{anchor}>{shown}<div class="t"><b>{html.escape(row["ride"])}</b> '
            f'<span class="{row["outcome"]}">{MARKS[row["outcome"]]}</span> <span class="why">'
            f"{html.escape(row['town'])} {html.escape(row['conditions'])}; {html.escape(row['reason'][:160])}</span>"
            f"<ul>{items}</ul>{again}</div></div>"
        )
    return f'<div class="cards">{"".join(cards)}</div>'


def _rides(rows: Sequence[dict[str, Any]]) -> str:
    told = (
        (
            html.escape(row["ride"]),
            f"<span class='{row['outcome']}'>{MARKS[row['outcome']]}</span>",
            f"{row['progress_m']:.0f} / {row['route_m']:.0f}",
            f"{row['duration_s']:.0f}",
            html.escape(row["reason"][:80]),
            html.escape(", ".join(e["kind"] for e in row["interventions"])),
        )
        for row in rows
    )
    return table(("ride", "", "m", "s", "why it ended", "interventions"), told, (2, 3))
