"""Which sheets there are, where each lies in the documentation, and how it is made."""

from collections.abc import Callable

from PIL import Image

from xiaolu.cameras.renderer import Renderer
from xiaolu.cameras.sheets.hands import MEANINGLESS, MEANT, POLICE, acts_sheet, people_sheet
from xiaolu.cameras.sheets.signals import signals_sheet
from xiaolu.cameras.sheets.stand import Stand
from xiaolu.cameras.sheets.towns import towns_sheet
from xiaolu.cameras.sheets.weather import weather_sheet
from xiaolu.world.generate import Family
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.town import Town

SEEDS = range(800_021, 800_025)  # of the towns shown; validation
STREET = "boulevard"  # people, weather and signals are shown in the first of these

Maker = Callable[[Towns], Image.Image]


def _family(name: str) -> Maker:
    return lambda towns: towns_sheet([towns.get(name, seed) for seed in SEEDS])


SHEETS: dict[str, tuple[str, Maker]] = {
    **{family.value: (f"towns-{family.value}.webp", _family(family.value)) for family in Family},
    "signals": ("signals.webp", lambda towns: signals_sheet(Renderer(_street(towns)))),
    "weather": ("weather.webp", lambda towns: weather_sheet(Stand(_street(towns)))),
    "police": ("hands/police.webp", lambda towns: acts_sheet(Stand(_street(towns)), POLICE)),
    "meant": ("hands/meant.webp", lambda towns: acts_sheet(Stand(_street(towns)), MEANT)),
    "meaningless": ("hands/meaningless.webp", lambda towns: acts_sheet(Stand(_street(towns)), MEANINGLESS)),
    "people": ("hands/people.webp", lambda towns: people_sheet(Stand(_street(towns)))),
}


def _street(towns: Towns) -> Town:
    return towns.get(STREET, SEEDS[0])


def make_sheet(name: str, towns: Towns) -> Image.Image:
    """Return the sheet of a name; ValueError naming the known ones."""
    if name not in SHEETS:
        raise ValueError(f"no sheet named {name!r}; there are {', '.join(SHEETS)}")
    return SHEETS[name][1](towns)
