"""Verbs only: each parses what a person typed and calls the room that does it. A file is a group of them."""

import sys
from collections.abc import Callable

import tyro

from xiaolu import __version__
from xiaolu.cli.driver import COLLECT, collect_words, export, train
from xiaolu.cli.machine import doctor
from xiaolu.cli.ride import drive, replay, report
from xiaolu.cli.scenario import (
    scenario_ambient,
    scenario_check,
    scenario_from_ride,
    scenario_list,
    scenario_render,
    scenario_show,
)
from xiaolu.cli.score import compare, evaluate, table
from xiaolu.cli.town import sheet, town_generate, town_import, town_show

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
    "table": table,
    "replay": replay,
    "report": report,
    "train": train,
    "export": export,
    "town import": town_import,
    "town generate": town_generate,
    "town show": town_show,
    "sheet": sheet,
    "doctor": doctor,
}


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
            collect_words(rest)
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
