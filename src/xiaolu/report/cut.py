"""`xiaolu scenario from-ride`: a recorded ride and a moment of it become a scenario file."""

from pathlib import Path

from xiaolu.core.episode import Header
from xiaolu.episodes.rides import read_ride
from xiaolu.evaluation.referee import Referee
from xiaolu.report.page import town_of_ride
from xiaolu.ride.config import config_of
from xiaolu.ride.drivers import BUNDLED_TOWN
from xiaolu.world.routing import RoutePath
from xiaolu.world.scenarios.cut import cut
from xiaolu.world.scenarios.format import load_family
from xiaolu.world.town import load_town


def cut_ride(ride: Path, at_s: float, out: Path | None, town: Path | None) -> Path:
    """Write the scenario family that a moment of a ride is, and return its file. Raises ValueError naming the fault."""
    log = read_ride(ride)
    loaded = town_of_ride(log.header, town)
    steps = list(log.steps())
    out = ride.with_name(f"{ride.stem}-{at_s:.1f}.toml".replace("_", "-").lower()) if out is None else out
    if out.suffix != ".toml":
        raise ValueError(f"{out}: a scenario file ends in .toml")
    name = out.stem.lower().replace("_", "-").replace(".", "-")
    out = out.with_name(f"{name}.toml")
    config = config_of(log.header, loaded)
    assert config.route is not None
    referee = Referee(loaded, RoutePath(loaded, config.route), plans=False)
    for step in steps:
        referee.on_step(step)
    text = cut(log.header, steps, at_s, loaded, _town_name(log.header, town), name, referee.events())
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(out)
    load_family(out)
    return out


def _town_name(header: Header, town: Path | None) -> str:
    """Return how a scenario file names a ride's town: its file, the bundled one, or its family and seed."""
    if town is not None:
        return str(Path(town).absolute())
    if load_town(BUNDLED_TOWN).digest() == header.town_digest:
        return "bundled"
    return header.town
