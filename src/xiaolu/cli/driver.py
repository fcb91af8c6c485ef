"""Making a driver: record, train, freeze."""

from pathlib import Path
from typing import Annotated

import tyro

COLLECT = "Record teacher or on-policy episodes for training; resumes where it was stopped."


def collect_words(words: list[str]) -> None:
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
