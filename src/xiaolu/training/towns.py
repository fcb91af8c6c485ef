"""Towns to collect in: generated from a seed on first use, then kept as files that several processes may share."""

import os
from pathlib import Path

from xiaolu.world.generate import generate_town
from xiaolu.world.town import Town, load_town, save_town


def town_of(seed: int, folder: Path) -> Town:
    """Return the generated town of a seed, from the folder if it is there. Needs the extra [maps] to generate."""
    path = folder / f"town-{seed:06d}.town"
    if path.exists():
        return load_town(path)
    town = generate_town(seed)
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
