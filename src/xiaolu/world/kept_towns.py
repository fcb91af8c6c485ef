"""Towns to drive in: generated from a seed on first use, then kept as files that several processes may share."""

import hashlib
import os
from functools import cache
from pathlib import Path

from xiaolu.world.generate import Family, generate_town, name_of
from xiaolu.world.town import Town, load_town, save_town


@cache
def edition() -> str:
    """Return what the code that draws and compiles towns hashes to: another edition draws other towns from a seed."""
    here = Path(__file__).parent
    drawn_by = [here / "generate.py", here / "street_plan.py", *here.glob("maps/*.py"), *here.glob("families/*.py")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(drawn_by))).hexdigest()[:8]


def town_path(seed: int, folder: Path, family: Family = Family.OLD_TOWN) -> Path:
    """Return where the generated town of a seed lies. Family (but for old towns), seed and edition are in its name."""
    name = f"town-{seed:06d}" if family == Family.OLD_TOWN else name_of(seed, family)
    return folder / f"{name}-{edition()}.town"


def town_of(seed: int, folder: Path, family: Family = Family.OLD_TOWN) -> Town:
    """Return the generated town of a seed, from the folder if it is there. Needs the extra [maps] to generate."""
    path = town_path(seed, folder, family)
    if path.exists():
        return load_town(path)
    town = generate_town(seed, family)
    # Each process writes in a folder of its own and renames: two that draw the same town do not collide.
    own = folder / f".{os.getpid()}"
    own.mkdir(parents=True, exist_ok=True)
    try:
        save_town(town, own / path.name)
        (own / path.name).replace(path)
    finally:
        for left in own.iterdir():
            left.unlink()
        own.rmdir()
    return town
