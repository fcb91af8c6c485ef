"""`xiaolu town`: compile a real map, draw one of our own, look at one."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from xiaolu.cli.terminal import spinner

FamilyName = Literal["village", "park", "boulevard", "old-town"]


def town_import(source: Annotated[Path, tyro.conf.Positional], /, out: Path) -> None:
    """Compile a real map (OpenStreetMap .osm, OpenDRIVE .xodr, SUMO .net.xml) into one town file.

    Args:
        source: The map.
        out: Where the town file goes; a half-written one is never left.
    """
    from xiaolu.world.maps import import_map
    from xiaolu.world.town import save_town

    with spinner(f"Compiling {source.name}"):
        town = import_map(source)
        save_town(town, out)
    print(f"{out}: {town.lanes} lanes, {len(town.streets)} named streets, {len(town.signal_offset_s)} signal programs")
    for note in town.meta.get("inference", []):
        print(f"  {note}")


def town_generate(seed: int, out: Path, family: FamilyName = "old-town") -> None:
    """Draw a town of our own from a seed and compile it.

    Args:
        seed: 0-799,999 train, 800,000-849,999 validation, 850,000-899,999 test, from 900,000 reserved.
        out: Where the town file goes.
        family: What kind of place: docs/towns.md shows some of each.
    """
    from xiaolu.world.generate import Family, generate_town
    from xiaolu.world.town import save_town

    with spinner(f"Drawing {family} {seed}"):
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


def sheet(
    name: Annotated[str, tyro.conf.Positional] = "all", /, out: Path | None = None, towns: Path | None = None
) -> None:
    """Make a picture of the documentation: towns, signals, weather, hands; "all" makes every one in its place.

    Args:
        name: village, park, boulevard, old-town, signals, weather, police, meant, meaningless, people, or all.
        out: Where it goes (.webp, .png); its place below docs/ if none is given.
        towns: Folder of generated towns; runs/towns or the user's cache if none is given.
    """
    from xiaolu.cameras.sheets.paper import save
    from xiaolu.cameras.sheets.sheet import SHEETS, make_sheet
    from xiaolu.world.scenarios.towns import Towns

    for one in SHEETS if name == "all" else [name]:
        picture = make_sheet(one, Towns(towns))
        print(save(picture, Path("docs") / SHEETS[one][0] if out is None or name == "all" else out), flush=True)
