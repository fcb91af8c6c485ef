"""The page about a ride: one HTML file with everything in it. In: a ride log and its town; out: report.html."""

import base64
import html
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from xiaolu import __version__
from xiaolu.cameras.renderer import Renderer
from xiaolu.core.decision import LampColour
from xiaolu.core.episode import Header, Step
from xiaolu.episodes.rides import read_ride
from xiaolu.evaluation.referee import Judgement, Referee
from xiaolu.measures.comfort import JERK_WINDOW, motion_of
from xiaolu.report.charts import curves, latencies, track_map
from xiaolu.report.document import document
from xiaolu.report.film import Film, shoot, write_mp4
from xiaolu.ride.config import config_of
from xiaolu.ride.drivers import BUNDLED_TOWN
from xiaolu.ride.progress import END
from xiaolu.world.generate import Family
from xiaolu.world.routing import RoutePath
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.town import Town, load_town


@dataclass(frozen=True, slots=True)
class Told:
    """A ride read back from its log, and what the referee says of it."""

    header: Header
    steps: list[Step]
    judgement: Judgement
    town: Town
    path: RoutePath


def town_of_ride(header: Header, town: Path | None) -> Town:
    """Return the town a ride was driven in; ValueError when the given file holds another one."""
    family, _, seed = header.town.rpartition("-")
    family = "old-town" if family == "town" else family
    if town is None and "scenario" in header.versions and family in set(Family):
        return Towns().get(family, int(seed))  # config_of compares it with the one that was driven in
    loaded = load_town(town or BUNDLED_TOWN)
    if loaded.digest() != header.town_digest:
        raise ValueError(
            f"the ride was driven in {header.town} ({header.town_digest}), {town or BUNDLED_TOWN} holds another town "
            f"({loaded.digest()}): name the right one with --town"
        )
    return loaded


def retell(ride: Path, town: Path | None) -> Told:
    """Read a ride log and judge it again. Raises ValueError for a log without steps."""
    log = read_ride(ride)
    steps = list(log.steps())
    if len(steps) < JERK_WINDOW:
        raise ValueError(f"{ride} holds {len(steps)} steps; a report needs at least {JERK_WINDOW}")
    loaded = town_of_ride(log.header, town)
    header = log.header
    route = config_of(header, loaded).route
    assert route is not None
    path = RoutePath(loaded, route)
    referee = Referee(loaded, path)
    for step in steps:
        referee.on_step(step)
    reason = next((event.detail for event in log.events if event.kind == END), "the log was cut short")
    return Told(header, steps, referee.judge(reason == "arrived", reason), loaded, path)


def report_ride(ride: Path, town: Path | None, out: Path, film: bool = True) -> Path:
    """Write the page about a recorded ride, and the film beside it; return the page's path."""
    told = retell(ride, town)
    out.parent.mkdir(parents=True, exist_ok=True)
    data = None
    if film:
        where = out.with_name("film.mp4")
        _shoot(told, where)
        data = where.read_bytes()
    partial = out.with_name(out.name + ".part")
    try:
        partial.write_text(page(told, data), encoding="utf-8")
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return out


def _shoot(told: Told, out: Path) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    renderer = Renderer(told.town)
    try:
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("film", total=len(told.steps))
            frames = shoot(Film(renderer), told.steps, lambda: progress.advance(task))
            with TemporaryDirectory(dir=out.parent) as scratch:
                write_mp4(frames, Path(scratch) / out.name)
                (Path(scratch) / out.name).replace(out)
    finally:
        renderer.close()


def page(told: Told, film: bytes | None) -> str:
    """Return the page's HTML; `film` is an MP4 to embed, None for a page without."""
    judgement, steps = told.judgement, told.steps
    track = judgement.track
    time_s = track.column("stamp_ns") / 1e9
    speed, yaw = track.column("speed_mps"), track.column("pose")[:, 2]
    motion = motion_of(speed, yaw)
    svg, (left, right) = curves(
        time_s, speed, motion.longitudinal_mps2, motion.longitudinal_jerk_mps3, judgement.events
    )
    passed = judgement.arrived and not judgement.counted
    verdict = "passed" if passed else "arrived" if judgement.arrived else "failed"
    verdict_text = {
        "passed": "arrived, nobody had to step in",
        "arrived": f"arrived, with {len(judgement.counted)} intervention{'s'[: len(judgement.counted) != 1]}",
        "failed": "did not arrive",
    }[verdict]
    encoded = base64.b64encode(film).decode() if film else ""
    video = f'<video controls muted playsinline src="data:video/mp4;base64,{encoded}"></video>' if film else ""
    header = told.header
    return document(
        "page",
        title=html.escape(f"{header.driver} in {header.town}, ride {header.seed}"),
        verdict=verdict,
        verdict_text=verdict_text,
        lead=html.escape(
            f"{judgement.progress_m:.0f} m of {judgement.route_m:.0f} m in {judgement.duration_s:.0f} s of ride time. "
            f"It ended: {judgement.reason}. Simulation."
        ),
        film=video,
        tiles=_tiles(told, motion.longitudinal_mps2),
        curves=svg,
        events=_events(judgement),
        map=track_map(told.town, told.path.points[:, :2], track.column("pose")[:, :2], time_s, judgement.events),
        latency=latencies(track.column("wall_s")),
        scores=_scores(judgement),
        reasons=_reasons(steps),
        left=f"{100 * left:.3f}",
        right=f"{100 * right:.3f}",
        duration=f"{max(time_s[-1] - time_s[0], 1e-3):.3f}",
        first=f"{time_s[0]:.3f}",
        footer=html.escape(
            f"Xiaolu {__version__}, a reference system trained and tested in simulation, not for public roads. "
            f"Town digest {header.town_digest}, seed {header.seed}: the same log on the same machine drives again with "
            f"`xiaolu replay RIDE --again`. A “-style” score follows a public definition, and is not that benchmark."
        ),
    )


def _tiles(told: Told, acceleration_mps2: np.ndarray) -> str:
    scores = {score.name: score for score in told.judgement.scores}

    def shown(name: str, scale: float, form: str) -> str:
        score = scores[name]
        return "–" if score.value is None else form.format(score.value * scale)

    tiles = (
        (f"{told.judgement.progress_m / max(told.judgement.duration_s, 1e-9) * 3.6:.0f} km/h", "mean speed"),
        (str(len(told.judgement.counted)), "interventions"),
        (shown("comfort_noticed_time_share", 100, "{:.0f} %"), "of the time nothing a passenger would notice"),
        (f"{acceleration_mps2.min():.1f} m/s²", "hardest braking"),
        (shown("latency_p99", 1, "{:.0f} ms"), "frame to decision, 99th percentile"),
    )
    return "".join(f'<div class="tile"><b>{html.escape(b)}</b><span>{html.escape(s)}</span></div>' for b, s in tiles)


def _jump(time_ns: int) -> str:
    return f'<a class="jump" href="#" data-s="{time_ns / 1e9:.1f}">{time_ns / 1e9:.1f} s</a>'


def _events(judgement: Judgement) -> str:
    if not judgement.events:
        return '<p class="lead">Nothing that a referee would note.</p>'
    counted = {id(event) for event in judgement.counted}
    rows = "".join(
        f"<tr><td class='n'>{_jump(e.from_ns)}</td><td>{html.escape(e.kind.replace('_', ' '))}</td>"
        f"<td class='why'>{html.escape(e.detail)}</td><td>{'intervention' if id(e) in counted else 'noted'}</td></tr>"
        for e in judgement.events
    )
    return f"<table><tr><th>when</th><th>what</th><th>detail</th><th></th></tr>{rows}</table>"


def _scores(judgement: Judgement) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(s.name.replace('_', ' '))}</td><td class='n'>"
        f"{html.escape(s.why) if s.value is None else f'{s.value:.3g} {html.escape(s.unit)}'}</td></tr>"
        for s in judgement.scores
    )
    return f"<table>{rows}</table>"


def _reasons(steps: list[Step]) -> str:
    """A row each time the reason changes: what the driver said, its strategy, and the signal it read."""
    rows, last = [], ""
    for step in steps:
        decision = step.decision
        said = f"{decision.strategy.pace.name}|{decision.cause.name}|{step.vetoed}"
        if said == last:
            continue
        last = said
        lamp = decision.perceived.signal
        seen = "" if lamp == LampColour.NONE else lamp.name.lower().replace("_", " ")
        veto = f" (guardian: {step.vetoed})" if step.vetoed else ""
        rows.append(
            f"<tr><td class='n'>{_jump(step.observation.stamp_ns)}</td><td>{html.escape(str(decision.strategy))}</td>"
            f"<td>{html.escape(decision.why + veto)}</td><td class='why'>{html.escape(seen)}</td></tr>"
        )
    return f"<table><tr><th>from</th><th>strategy</th><th>why</th><th>signal read</th></tr>{''.join(rows)}</table>"
