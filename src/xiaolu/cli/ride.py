"""Rides: take one, step through one that was taken, make its report again."""

from pathlib import Path
from typing import Annotated

import tyro

from xiaolu.cli.terminal import ConditionName


def drive(
    town: Path | None = None,
    driver: str = "vla2-nano",
    seed: int = 850_002,
    length_m: float = 400.0,
    conditions: ConditionName = "sun",
    max_s: float = 300.0,
    out: Path = Path("runs/drive"),
    film: bool = True,
) -> None:
    """Take a ride and leave a report: ride.mcap (the log), film.mp4 and report.html.

    Args:
        town: A town file; the bundled town, which no driver was trained in, if none is given.
        driver: "vla2-nano" (shipped), "teacher", or a folder that `xiaolu export` wrote.
        seed: Which ride: start, goal, traffic and chance all follow from it. The default is one that goes well,
            of three that were looked at.
        length_m: About how far.
        conditions: Weather and light.
        max_s: The ride is called off after this long.
        out: A folder for what is left behind.
        film: Shoot the film as well (takes about as long as the ride).
    """
    from xiaolu.report.drive import drive_and_report

    drive_and_report(town, driver, seed, length_m, conditions, max_s, out, film)


def replay(
    ride: Annotated[Path, tyro.conf.Positional],
    /,
    town: Path | None = None,
    from_s: float = 0.0,
    to_s: float = float("inf"),
    again: bool = False,
) -> None:
    """Step through a recorded ride, a line a step; or drive it again and check that it comes out the same.

    Args:
        ride: A ride log (.mcap).
        town: The town file it was driven in; the bundled town if none is given.
        from_s: First second to show.
        to_s: Last second to show.
        again: Re-run the ride from its header and compare every step, bit for bit.
    """
    from xiaolu.report.replay import drive_again, show_steps

    if again:
        drive_again(ride, town)
    else:
        show_steps(ride, from_s, to_s)


def report(
    ride: Annotated[Path, tyro.conf.Positional], /, out: Path, town: Path | None = None, film: bool = True
) -> None:
    """Make the report of a recorded ride again.

    Args:
        ride: A ride log (.mcap).
        out: Where the page (.html) goes.
        town: The town file it was driven in; the bundled town if none is given.
        film: Shoot the film as well.
    """
    from xiaolu.report.page import report_ride

    print(report_ride(ride, town, out, film))
