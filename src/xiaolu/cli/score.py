"""Scores: of one driver on many rides, and of drivers side by side."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from xiaolu.cli.terminal import ConditionName

# Of rides in a town, if none is asked for: the first of the test seeds.
RIDES_SEED = 850_000

SuiteName = Literal["small-roads", "signals", "hands", "kerb", "park", "traffic", "all", "ambient"]


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
    seed: int | None = None,
    conditions: ConditionName = "sun",
    out: Path = Path("runs/evaluation.json"),
    workers: int = 2,
    films: bool = True,
) -> None:
    """Score a driver on a suite of scenarios, or on rides in one town: JSON, CSV and a page (docs/evaluation.md).

    What was finished is kept: the same command goes on after Ctrl-C or a kill.

    Args:
        town: A town file: seeded rides in it, by rides, length_m, seed and conditions.
        suite: Or a suite: every family of it on `seeds` seeds of the split; "ambient" is rides without a script in
            every town family, for distance per intervention.
        driver: "vla2-nano" (shipped), "teacher", a baseline ("still", "constant", "idm", "teacher-blind",
            "pdm-closed"), or a folder that `xiaolu export` wrote.
        split: Of a suite: which seeds and towns. Nothing is tuned on test.
        seed: The first ride's seed; the next rides take the next seeds. If none is given, the first seed of the suite's
            split, or 850000 in a town.
        seeds: Of a suite: how many seeds for each family.
        only: Of a suite: these families.
        towns: Of a suite: folder of generated towns; runs/towns or the user's cache if none is given.
        rides: In a town: how many.
        length_m: In a town: about how far each.
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
        evaluation = evaluate_suite(suite, split, seeds, driver, workers, out, towns, only, seed)
    else:
        assert town is not None
        first = RIDES_SEED if seed is None else seed
        evaluation = evaluate_rides(town, driver, rides, length_m, first, workers, conditions, out)
    print(table(evaluation))
    print(out)
    print(write_page(evaluation, out, town, towns, films))


def table(evaluations: Annotated[tuple[Path, ...], tyro.conf.Positional], /, out: Path | None = None) -> None:
    """Set several drivers in one table, on the rides that all of them drove: the baselines beside a driver, say.

    Args:
        evaluations: JSONs of `xiaolu evaluate`, of the same suite and split, or of rides in the same town.
        out: Where the table goes as Markdown.
    """
    from xiaolu.evaluation.compare import load_evaluation
    from xiaolu.evaluation.side_by_side import markdown, side_by_side
    from xiaolu.evaluation.side_by_side import table as told

    rides, found = side_by_side([load_evaluation(path) for path in evaluations])
    print(told(rides, found))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(markdown(rides, found), encoding="utf-8")
        print(out)


def compare(
    one: Annotated[Path, tyro.conf.Positional], other: Annotated[Path, tyro.conf.Positional], /, out: Path | None = None
) -> None:
    """Set two drivers side by side on the rides that both drove: passed, arrived, ratio of interventions.

    Args:
        one: A JSON of `xiaolu evaluate`.
        other: Another, of the same suite and split, or of rides in the same town.
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
