"""Towns that scenarios take place in: a handful per family and split, compiled once and kept as files in a folder."""

import os
from functools import lru_cache
from pathlib import Path

from xiaolu.core.seeds import RANGES, Split
from xiaolu.world.generate import generate_town
from xiaolu.world.town import Town, load_town, save_town

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

    def get(self, family: str, seed: int) -> Town:
        """Return a town; it is generated if it is not in the folder. Raises ValueError saying what that needs."""
        return _kept(self.folder, family, seed)


@lru_cache(maxsize=6)
def _kept(folder: Path, family: str, seed: int) -> Town:
    path = folder / f"{family}-{seed:06d}.town"
    if path.exists():
        return load_town(path)
    try:
        town = _generate(family, seed)
    except (ImportError, ValueError) as error:
        raise ValueError(
            f"the {family} town {seed} is not in {folder}, and it could not be generated: {error} "
            '(generating needs pip install "xiaolu[maps]")'
        ) from error
    own = folder / f".{os.getpid()}"
    own.mkdir(parents=True, exist_ok=True)
    try:  # each process writes in a folder of its own and renames: two that draw the same town do not collide
        save_town(town, own / path.name)
        (own / path.name).replace(path)
    finally:
        for left in own.iterdir():
            left.unlink()
        own.rmdir()
    return town


def _generate(family: str, seed: int) -> Town:
    return generate_town(seed)
