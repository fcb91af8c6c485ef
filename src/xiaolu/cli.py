"""Verbs only: each parses what a person typed and calls the room that does it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from xiaolu import __version__

ConditionName = Literal["sun", "overcast", "dusk", "rain", "low-sun", "night", "night-rain", "fog", "heavy-rain"]


def town_import(source: Annotated[Path, tyro.conf.Positional], /, out: Path) -> None:
    """Compile a real map (OpenStreetMap .osm, OpenDRIVE .xodr, SUMO .net.xml) into one town file.

    Args:
        source: The map.
        out: Where the town file goes; a half-written one is never left.
    """
    from xiaolu.world.maps import import_map
    from xiaolu.world.town import save_town

    with _spinner(f"Compiling {source.name}"):
        town = import_map(source)
        save_town(town, out)
    print(f"{out}: {town.lanes} lanes, {len(town.streets)} named streets, {len(town.signal_offset_s)} signal programs")
    for note in town.meta.get("inference", []):
        print(f"  {note}")


SuiteName = Literal["small-roads", "signals", "hands", "kerb", "park", "traffic", "all", "ambient"]
FamilyName = Literal["village", "park", "boulevard", "old-town"]


def town_generate(seed: int, out: Path, family: FamilyName = "old-town") -> None:
    """Draw a town of our own from a seed and compile it.

    Args:
        seed: 0-799,999 train, 800,000-849,999 validation, 850,000-899,999 test, from 900,000 reserved.
        out: Where the town file goes.
        family: What kind of place: docs/towns.md shows some of each.
    """
    from xiaolu.world.generate import Family, generate_town
    from xiaolu.world.town import save_town

    with _spinner(f"Drawing {family} {seed}"):
        town = generate_town(seed, Family(family))
        save_town(town, out)
    print(f"{out}: {town.lanes} lanes, {len(town.streets)} named streets")


def town_show(town: Annotated[Path, tyro.conf.Positional], /, out: Path, ride_seed: int | None = None) -> None:
    """Draw a town as a picture (.png or .svg), with a ride's route in it if a seed is given.

    Args:
        town: A town file.
        out: Where the picture goes.
        ride_seed: Draw the route that `xiaolu drive --seed` would take.
    """
    from xiaolu.world.routing import draw_ride
    from xiaolu.world.show import draw_town
    from xiaolu.world.town import load_town

    loaded = load_town(town)
    route = None if ride_seed is None else draw_ride(loaded, ride_seed, 400.0)
    draw_town(loaded, out, route)
    print(out)


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
    split: Literal["train", "validation"] = "validation",
    towns: Path | None = None,
    out: Path = Path("runs/rehearsals.jsonl"),
) -> None:
    """Rehearse a scenario family: does it find its place, do its acts come, who passes it that can drive nothing?

    Args:
        family: Name of a family, a .toml file, several names with commas between them, or "all".
        seeds: How many, from the split's first on.
        split: Whose towns.
        towns: Folder of generated towns; runs/towns or the user's cache if none is given.
        out: What was found, a line each; a run that was stopped goes on where it was.
    """
    from xiaolu.core.seeds import RANGES, Split
    from xiaolu.evaluation.rehearsal import rehearse_all, table
    from xiaolu.world.scenarios.format import family_names
    from xiaolu.world.scenarios.towns import Towns

    names = family_names() if family == "all" else family.split(",")
    first = RANGES[Split(split)].start
    rows = []
    for row in rehearse_all(names, range(first, first + seeds), out, Towns(towns)):
        rows.append(row)
        with _spinner(f"{len(rows)} of {seeds * len(names)}: {row.family} {row.seed}"):
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
        out: A copy of ambient.toml into which the figures are written.
    """
    from xiaolu.report.ambient import measure_ambient, write_measured
    from xiaolu.world.scenarios.towns import Towns

    measured = measure_ambient(family, km, seed, Towns(towns))
    print(f"{family}: {measured.rides} rides, {measured.km:.1f} km; met per km:")
    for name, value in measured.per_km.items():
        print(f"  {name:28} {value:.2f}")
    if out is not None:
        command = f"xiaolu scenario ambient {family} --km {km:g} --seed {seed}"
        write_measured(out, family, measured.per_km, f"{command}: {measured.rides} rides, {measured.km:.1f} km")
        print(out)


def drive(
    town: Path | None = None,
    driver: str = "vla2-nano",
    seed: int = 850_000,
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
        seed: Which ride: start, goal, traffic and chance all follow from it.
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


def evaluate(
    town: Path | None = None,
    suite: SuiteName | None = None,
    driver: str = "vla2-nano",
    split: Literal["train", "validation", "test"] = "validation",
    seeds: int = 20,
    only: tuple[str, ...] = (),
    towns: Path | None = None,
    rides: int = 20,
    length_m: float = 400.0,
    seed: int = 850_000,
    conditions: ConditionName = "sun",
    out: Path = Path("runs/evaluation.json"),
    workers: int = 2,
    films: bool = True,
) -> None:
    """Score a driver on a suite of scenarios, or on rides in one town: JSON, CSV and a page (docs/evaluation.md).

    What was finished is kept: the same command goes on after Ctrl-C or a kill.

    Args:
        town: A town file: seeded rides in it, by rides, length_m, seed and conditions.
        suite: Or a suite: every family of it on the first `seeds` seeds of the split; "ambient" is rides without a
            script in every town family, for distance per intervention.
        driver: "vla2-nano" (shipped), "teacher", a baseline ("still", "constant", "idm", "teacher-blind",
            "pdm-closed"), or a folder that `xiaolu export` wrote.
        split: Of a suite: which seeds and towns. Nothing is tuned on test.
        seeds: Of a suite: how many for each family.
        only: Of a suite: these families.
        towns: Of a suite: folder of generated towns; runs/towns or the user's cache if none is given.
        rides: In a town: how many; ride i uses seed + i.
        length_m: In a town: about how far each.
        seed: In a town: the first ride's seed.
        conditions: In a town: weather and light.
        out: Where the JSON goes; the CSV, the page and the logs of what did not pass lie beside it.
        workers: Processes. The figures do not depend on it; the measured latency does.
        films: A film of everything that did not pass in the page.
    """
    from xiaolu.evaluation.evaluate import evaluate_rides, evaluate_suite
    from xiaolu.evaluation.summary import table
    from xiaolu.report.evaluation import write_page

    if (town is None) == (suite is None):
        raise ValueError("either --suite NAME or --town FILE says what is driven; give one of them")
    if suite is not None:
        evaluation = evaluate_suite(suite, split, seeds, driver, workers, out, towns, only)
    else:
        assert town is not None
        evaluation = evaluate_rides(town, driver, rides, length_m, seed, workers, conditions, out)
    print(table(evaluation))
    print(out)
    print(write_page(evaluation, out, town, towns, films))


def compare(
    one: Annotated[Path, tyro.conf.Positional], other: Annotated[Path, tyro.conf.Positional], /, out: Path | None = None
) -> None:
    """Set two drivers side by side on the rides that both drove: passed, arrived, ratio of interventions.

    Args:
        one: A JSON of `xiaolu evaluate`.
        other: Another, of the same suite and split, or of the same town, length and conditions.
        out: Where a page (.html) of it goes.
    """
    from xiaolu.evaluation.compare import compare as compared
    from xiaolu.evaluation.compare import load_evaluation, table
    from xiaolu.report.comparison import write_comparison

    first, second = load_evaluation(one), load_evaluation(other)
    found = compared(first, second)
    print(table(found))
    if out is not None:
        print(write_comparison(found, first, second, out))


def train(
    data: Annotated[tuple[Path, ...], tyro.conf.Positional],
    /,
    out: Path,
    recipe: str = "nano",
    start_from: Path | None = None,
    stage1_passes: int | None = None,
    stage2_passes: int | None = None,
    device: str = "cpu",
) -> None:
    """Train a driver from recorded moments; an interrupted run in the folder goes on where it was.

    Args:
        data: Folders that `xiaolu collect` wrote.
        out: Folder of the run: log.jsonl, caches, and in the end checkpoint/, ready to drive.
        recipe: Name of the recipe: "nano" or "smoke".
        start_from: A checkpoint to begin with, as on-policy rounds do; with --stage1-passes 0 its backbone is kept.
        stage1_passes: Moments that the first stage looks at, in place of the recipe's.
        stage2_passes: Moments that the second stage looks at, in place of the recipe's.
        device: "cpu" or "cuda"; several processes by `torchrun -m xiaolu train ...`.
    """
    from dataclasses import replace

    from xiaolu.episodes.dataset import Dataset
    from xiaolu.training.recipe import recipe_of
    from xiaolu.training.train import train as run

    chosen = recipe_of(recipe)
    chosen = replace(
        chosen,
        device=device,
        stage1_passes=chosen.stage1_passes if stage1_passes is None else stage1_passes,
        stage2_passes=chosen.stage2_passes if stage2_passes is None else stage2_passes,
    )
    print(run(Dataset(data), chosen, out, start_from))


def export(checkpoint: Annotated[Path, tyro.conf.Positional], /, out: Path) -> None:
    """Freeze a checkpoint for the car: its weights, contract and card, and the ONNX graphs, in one folder.

    Args:
        checkpoint: A checkpoint folder that `xiaolu train` wrote.
        out: The folder that `--driver` takes.
    """
    from xiaolu.model.export import export_folder

    print(export_folder(checkpoint, out))


def doctor(fix: bool = False, brief: bool = False) -> None:
    """Say what this machine lacks, and how to get it.

    Args:
        fix: Install the missing OpenGL packages through apt, where one may (root on Debian or Ubuntu).
        brief: Only say what is wrong with driving.
    """
    from xiaolu.doctor import examine, install_gl

    findings = examine()
    if fix and any(f.what == "OpenGL" and not f.good for f in findings) and install_gl():
        findings = examine()
    for finding in findings:
        if brief and (finding.good or "optional" in finding.needed_for):
            continue
        mark = "ok  " if finding.good else "lack"
        print(f"{mark} {finding.what:12} {finding.found}" + (f"  ({finding.needed_for})" if not finding.good else ""))
        if finding.remedy:
            print(f"     {finding.remedy}")
    if any(not f.good and "optional" not in f.needed_for for f in findings):
        sys.exit(1)


def _spinner(text: str) -> Any:
    from rich.console import Console

    return Console(stderr=True).status(text)


VERBS: dict[str, Callable[..., None]] = {
    "scenario list": scenario_list,
    "scenario show": scenario_show,
    "scenario render": scenario_render,
    "scenario from-ride": scenario_from_ride,
    "scenario check": scenario_check,
    "scenario ambient": scenario_ambient,
    "drive": drive,
    "evaluate": evaluate,
    "compare": compare,
    "replay": replay,
    "report": report,
    "train": train,
    "export": export,
    "town import": town_import,
    "town generate": town_generate,
    "town show": town_show,
    "doctor": doctor,
}


COLLECT = "Record teacher or on-policy episodes for training; resumes where it was stopped."


def _collect(words: list[str]) -> None:
    """`xiaolu collect`: its options are the fields of CollectConfig."""
    from xiaolu.training.collect import CollectConfig, collect

    collect(
        tyro.cli(
            CollectConfig,
            prog="xiaolu collect",
            description=COLLECT,
            args=words,
            config=(tyro.conf.EnumChoicesFromValues,),
        )
    )


def overview() -> str:
    """Return the list of verbs, a line each."""
    lines = [f"xiaolu {__version__}: an open vision-language-action driver. Simulation only: not for public roads.", ""]
    about = {verb: (function.__doc__ or "").strip().splitlines()[0] for verb, function in VERBS.items()}
    about["collect"] = COLLECT
    lines += [f"  xiaolu {verb:14} {text}" for verb, text in about.items()]
    return "\n".join([*lines, "", "`xiaolu VERB --help` tells more."])


def main(arguments: list[str] | None = None) -> None:
    """Run one verb. Faults that a person can mend end in one line and exit status 2; everything else is a traceback."""
    words = sys.argv[1:] if arguments is None else arguments
    verb = next((v for v in (*VERBS, "collect") if words[: len(v.split())] == v.split()), None)
    if verb is None:
        print(overview())
        sys.exit(0 if not words or words[0] in ("-h", "--help", "help") else 2)
    rest = words[len(verb.split()) :]
    try:
        if verb == "collect":
            _collect(rest)
        else:
            tyro.cli(VERBS[verb], prog=f"xiaolu {verb}", args=rest)
    except (ValueError, OSError) as error:
        print(f"xiaolu {verb}: {error}", file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        extra = {"torch": "train", "safetensors": "train", "onnx": "train", "sumo": "maps"}.get(error.name or "")
        if extra is None:
            raise
        print(f'xiaolu {verb}: {error.name} is not installed; pip install "xiaolu[{extra}]"', file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(f"xiaolu {verb}: stopped; what was finished is kept", file=sys.stderr)
        sys.exit(130)
