"""`xiaolu scenario`: list the families, look at one, rehearse it, cut one out of a ride."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from xiaolu.cli.terminal import progress, spinner


def scenario_list(tag: str | None = None) -> None:
    """List the scenario families: name, suites, towns, what it is about.

    Args:
        tag: Only families of this suite, as "small-roads", "signals", "hands", "kerb", "park" or "traffic".
    """
    from rich.console import Console
    from rich.table import Table

    from xiaolu.world.scenarios.family import TAGS
    from xiaolu.world.scenarios.format import family_names, load_family

    if tag is not None and tag not in TAGS:
        raise ValueError(f"--tag {tag!r}; known are {', '.join(TAGS)}")
    table = Table("family", "suites", "towns", "about", title_justify="left")
    families = [load_family(name) for name in family_names()]
    for family in families:
        if tag is None or tag in family.tags:
            table.add_row(family.name, ", ".join(family.tags), ", ".join(family.towns), family.about)
    Console().print(table)


def scenario_show(
    family: Annotated[str, tyro.conf.Positional],
    /,
    seed: int = 800_000,
    out: Path | None = None,
    towns: Path | None = None,
) -> None:
    """Show one scenario: its parameters as drawn, its actors and checks, and a picture of the place from above.

    Args:
        family: Name of a family, or a .toml file.
        seed: Which one; its split is that of the town.
        out: Where the picture goes (.png, .svg).
        towns: Folder of generated towns; runs/towns or the user's cache if none is given.
    """
    from xiaolu.world.scenarios.format import load_family
    from xiaolu.world.scenarios.picture import draw_scenario
    from xiaolu.world.scenarios.sample import described, scenario_of
    from xiaolu.world.scenarios.towns import Towns

    scenario = scenario_of(load_family(family), seed, Towns(towns))
    print(described(scenario))
    if out is not None:
        draw_scenario(scenario, out)
        print(out)


def scenario_render(
    family: Annotated[str, tyro.conf.Positional],
    /,
    out: Path,
    seed: int = 800_000,
    driver: str = "teacher",
    towns: Path | None = None,
) -> None:
    """Drive one scenario and leave a film strip (.webp, .png) or a film (.mp4); "all" writes one of every family.

    Args:
        family: Name of a family, a .toml file, or "all".
        out: Where the strip goes; with "all" a folder.
        seed: Which one.
        driver: "teacher", "vla2-nano", or a folder that `xiaolu export` wrote.
        towns: Folder of generated towns; runs/towns or the user's cache if none is given.
    """
    from xiaolu.report.strip import render_all, render_scenario
    from xiaolu.world.scenarios.format import load_family
    from xiaolu.world.scenarios.sample import scenario_of
    from xiaolu.world.scenarios.towns import Towns

    if family == "all":
        for line in render_all(out, seed, driver, Towns(towns)):
            print(line, flush=True)
        return
    print(f"{out}: {render_scenario(scenario_of(load_family(family), seed, Towns(towns)), out, driver)}")


def scenario_from_ride(
    ride: Annotated[Path, tyro.conf.Positional],
    /,
    at: float,
    out: Path | None = None,
    town: Path | None = None,
) -> None:
    """Cut a scenario family out of a recorded ride: what was around shortly before a moment, and what it then did.

    Args:
        ride: A ride log (.mcap).
        at: The moment, in seconds of the ride: an intervention's, say.
        out: Where the family's file goes; RIDE-AT.toml beside the log if none is given.
        town: The town file it was driven in; the bundled town, or the scenario's own, if none is given.
    """
    from xiaolu.report.cut import cut_ride

    print(cut_ride(ride, at, out, town))


def scenario_check(
    family: Annotated[str, tyro.conf.Positional],
    /,
    seeds: int = 20,
    seed: int | None = None,
    split: Literal["train", "validation"] = "validation",
    towns: Path | None = None,
    out: Path = Path("runs/rehearsals.jsonl"),
) -> None:
    """Rehearse a scenario family: does it find its place, do its acts come, who passes it that can drive nothing?

    Args:
        family: Name of a family, a .toml file, several names with commas between them, or "all".
        seeds: How many seeds of each family.
        seed: The first of them; the split's first if none is given.
        split: Whose towns.
        towns: Folder of generated towns; runs/towns or the user's cache if none is given.
        out: What was found, a line each; a run that was stopped goes on where it was.
    """
    from xiaolu.core.seeds import Split, seeds_from
    from xiaolu.evaluation.rehearsal import rehearse_all, table
    from xiaolu.world.scenarios.format import family_names
    from xiaolu.world.scenarios.towns import Towns

    names = family_names() if family == "all" else family.split(",")
    rows = []
    for row in rehearse_all(names, seeds_from(Split(split), seeds, seed), out, Towns(towns)):
        rows.append(row)
        with spinner(f"{len(rows)} of {seeds * len(names)}: {row.family} {row.seed}"):
            pass
    print(table(rows))


def scenario_ambient(
    family: Annotated[str, tyro.conf.Positional],
    /,
    km: float = 20.0,
    seed: int = 800_000,
    towns: Path | None = None,
    out: Path | None = None,
) -> None:
    """Measure what is met per km on ambient rides in a town family.

    Args:
        family: "village", "park", "boulevard" or "old-town".
        km: How far in all; ride i uses seed + i.
        seed: The first ride's seed.
        towns: Folder of generated towns; runs/towns or the user's cache if none is given.
        out: A copy of ambient.toml, made if there is none, into which the figures are written.
    """
    from xiaolu.report.ambient import measure_ambient, write_measured
    from xiaolu.world.scenarios.towns import Towns

    with progress() as bar:
        task = bar.add_task(f"{family}, km", total=km)
        measured = measure_ambient(family, km, seed, Towns(towns), lambda ridden: bar.advance(task, ridden))
    print(f"{family}: {measured.rides} rides, {measured.km:.1f} km; met per km:")
    for name, value in measured.per_km.items():
        print(f"  {name:28} {value:.2f}")
    if out is not None:
        command = f"xiaolu scenario ambient {family} --km {km:g} --seed {seed}"
        write_measured(out, family, measured.per_km, f"{command}: {measured.rides} rides, {measured.km:.1f} km")
        print(out)
