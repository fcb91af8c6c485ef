"""`xiaolu drive`: a ride, its log, its film and its page, in one folder."""

import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from xiaolu.cameras.renderer import Renderer
from xiaolu.core.conditions import CONDITIONS
from xiaolu.core.episode import Event, Header, Step
from xiaolu.core.rates import SECOND_NS
from xiaolu.episodes.rides import Pictures, RideWriter
from xiaolu.report.page import report_ride
from xiaolu.ride.config import RideConfig
from xiaolu.ride.drivers import BUNDLED_TOWN, make_driver
from xiaolu.ride.ride import Ride
from xiaolu.world.routing import RoutePath, draw_ride
from xiaolu.world.town import load_town


class _Bar:
    """A Subscriber that shows how far the ride has come and what the driver says."""

    def __init__(self, progress: Progress, path: RoutePath) -> None:
        self._progress, self._path = progress, path
        self._task = progress.add_task("", total=path.length_m)
        self._s_m = 0.0

    def on_start(self, header: Header) -> None:
        """The bar stands at nought already."""

    def on_step(self, step: Step) -> None:
        x, y, _ = step.scene.ego_pose
        self._s_m, _ = self._path.project(float(x), float(y), self._s_m)
        kmh = step.scene.ego_speed_mps * 3.6
        said = f"{step.index / 10:5.1f} s  {kmh:3.0f} km/h  {step.decision.why[:56]:56}"
        self._progress.update(self._task, completed=self._s_m, description=said)

    def on_end(self, events: tuple[Event, ...]) -> None:
        """The bar is taken down by its owner."""


def drive_and_report(
    town: Path | None, driver: str, seed: int, length_m: float, conditions: str, max_s: float, out: Path, film: bool
) -> Path:
    """Take a ride and return the path of its page. Ctrl-C ends the ride early; what was driven is kept and reported.

    Raises ValueError for a driver, town or conditions that are not known, OSError when the folder cannot be written.
    """
    where = town or BUNDLED_TOWN
    loaded = load_town(where)
    route = draw_ride(loaded, seed, length_m)
    out.mkdir(parents=True, exist_ok=True)
    log = out / "ride.mcap"
    console = Console(stderr=True)
    at_wheel = make_driver(driver, loaded, route)
    renderer = Renderer(loaded) if at_wheel.cameras else None
    ride = Ride(RideConfig(town=loaded, seed=seed, route=route, conditions=CONDITIONS[conditions]), at_wheel, renderer)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    began = time.perf_counter()
    try:
        with Progress(*columns, console=console) as progress:
            bar = _Bar(progress, RoutePath(loaded, route))
            end = ride.run(RideWriter(log, pictures=Pictures.NONE), bar, max_s=max_s)
    finally:
        if renderer is not None:
            renderer.close()
    wall_s = time.perf_counter() - began
    driven_s = ride.stamp_ns / SECOND_NS
    console.print(f"{end.reason}; {driven_s:.0f} s of ride in {wall_s:.0f} s, {driven_s / wall_s:.1f} x real time")
    page = report_ride(log, town, out / "report.html", film)
    console.print(f"report: {page}")
    return page
