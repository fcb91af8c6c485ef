"""Towns that scenarios take place in: a handful per family and split, compiled once and kept as files in a folder."""

import os
from functools import lru_cache
from pathlib import Path

from xiaolu.core.seeds import RANGES, Split
from xiaolu.world.generate import Family
from xiaolu.world.kept_towns import town_of, town_path
from xiaolu.world.town import Town

# Towns of each family that scenarios take place in, and how many more are looked through for a rare place.
FURTHER = 12
PER_SPLIT = {Split.TRAIN: 12, Split.VALIDATION: 4, Split.TEST: 4, Split.RESERVED: 4}


def default_folder() -> Path:
    """Return where towns are kept: runs/towns if the present folder has one, else the user's cache."""
    here = Path("runs/towns")
    if here.is_dir():
        return here
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "xiaolu" / "towns"


class Towns:
    """A folder of generated towns."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (default_folder() if folder is None else Path(folder)).absolute()

    @staticmethod
    def seeds(split: Split) -> range:
        """Return the seeds of a split's towns."""
        first = RANGES[split].start
        return range(first, first + PER_SPLIT[split])

    @staticmethod
    def further_seeds(split: Split) -> range:
        """Return the seeds of towns that are looked through where none of `seeds` has a place."""
        last = Towns.seeds(split).stop
        return range(last, last + FURTHER)

    def get(self, family: str, seed: int) -> Town:
        """Return a town; it is generated if it is not in the folder. Raises ValueError saying what that needs."""
        return _kept(self.folder, Family(family), seed)


@lru_cache(maxsize=6)
def _kept(folder: Path, family: Family, seed: int) -> Town:
    try:
        return town_of(seed, folder, family)
    except (ImportError, ValueError) as error:
        raise ValueError(
            f"the {family.value} town {seed} is not in {folder} ({town_path(seed, folder, family).name}), and it could "
            f'not be generated: {error} (generating needs pip install "xiaolu[maps]")'
        ) from error
