"""What a source leaves unsaid about its streets, inferred: lanes, widths, limits, sidewalks. In Chinese cities' terms.

Comes in: the tags of one OpenStreetMap way. Goes out: a `StreetType`, a row of the type table that netconvert reads.
Everything inferred here is said in NOTES, which travel with the town.
"""

import hashlib
from dataclasses import dataclass

from xiaolu.world.town import RoadClass

# Limits are the usual ones of Chinese city streets (GB 50220, JTG D20), km/h; widths in metres a lane.
CLASSES: dict[str, tuple[RoadClass, float, float, float, int]] = {
    # highway value: class, limit km/h, lane width, sidewalk width, lanes a direction when oneway says nothing more
    "motorway": (RoadClass.MOTORWAY, 80.0, 3.75, 0.0, 2),
    "motorway_link": (RoadClass.MOTORWAY, 50.0, 3.75, 0.0, 1),
    "trunk": (RoadClass.TRUNK, 70.0, 3.5, 0.0, 2),
    "trunk_link": (RoadClass.TRUNK, 40.0, 3.5, 0.0, 1),
    "primary": (RoadClass.PRIMARY, 60.0, 3.4, 3.5, 2),
    "primary_link": (RoadClass.PRIMARY, 40.0, 3.5, 2.5, 1),
    "secondary": (RoadClass.SECONDARY, 50.0, 3.3, 3.0, 2),
    "secondary_link": (RoadClass.SECONDARY, 40.0, 3.4, 2.5, 1),
    "tertiary": (RoadClass.TERTIARY, 40.0, 3.25, 2.5, 1),
    "tertiary_link": (RoadClass.TERTIARY, 30.0, 3.3, 2.0, 1),
    "unclassified": (RoadClass.RESIDENTIAL, 30.0, 3.2, 2.0, 1),
    "residential": (RoadClass.RESIDENTIAL, 30.0, 3.2, 2.0, 1),
    "living_street": (RoadClass.LIVING, 20.0, 2.4, 1.2, 1),
    "service": (RoadClass.SERVICE, 15.0, 2.4, 0.0, 1),
}
MARK_TAG = "xiaolu:mark"  # what a generated way is, in its family's words
NARROW = ("residential", "unclassified")
NARROW_SHARE = 0.35  # of two-way residential streets whose width nobody wrote down
NOTES_OF_NETS = (
    "Widths, limits and right of way are the source's own; the class of a street follows its limit.",
    "Buildings, trees, lamps and places for parked cars are drawn along the streets, by chance that comes from the "
    "source's own bytes.",
)
PARKING_SHARE = 0.6  # of residential and living streets, where cars park half on a wider sidewalk
PARKING_SIDEWALK_M = 3.0
NOTES = (
    "Lane widths without a width tag follow the street's class: 3.75 m motorway, 3.5 trunk, 3.4 primary, "
    "3.3 secondary, 3.25 tertiary.",
    "A two-way residential street without a width tag is, by a hash of its name, 4.8 or 5.2 m wide (35 % of them) or "
    "6.0, 6.6 or 7.0 m; one tagged with a single lane is 4.8 m. A one-way one has a lane of 3.6 m.",
    "Two-way living streets and service ways are 4.6 to 5.0 m wide in all: one surface with two directions.",
    "Lane counts without a lanes tag: two a direction on one-way motorways, trunk, primary and secondary roads, "
    "else one.",
    "Limits without a maxspeed tag: 80 km/h motorway, 70 trunk, 60 primary, 50 secondary, 40 tertiary, "
    "30 residential, 20 living street, 15 service.",
    "Streets that hang together with less than 500 m of lanes are scraps of the extract's edge and are left out.",
    "Crossings are guessed: at signals, and elsewhere across streets of at most 46 km/h.",
    "Where bridges and tunnels lie is tagged, how high is not: 6 m above or below the ground, reached at 4.5 % mean "
    "grade.",
    "Sidewalks are 3.5 m along primary, 3.0 secondary, 2.5 tertiary, 2.0 residential, 1.2 living streets (3.0 in "
    "60 % of these two, by a hash of the name, where cars park half on it); none on motorways, trunk roads and "
    "service ways. A narrow residential street without parking has 1.5 m.",
    "Buildings, trees, lamps and places for parked cars that the source does not have are drawn along its streets, by "
    "chance that comes from the source's own bytes.",
)


@dataclass(frozen=True, slots=True)
class StreetType:
    """One row of the type table. layer: 1 on a bridge, -1 in a tunnel; widths in metres, limit in m/s.

    mark: a word of the generator's own (tag `xiaolu:mark`), letters only; cycle_m: a cycle lane on the right.
    """

    highway: str
    width_m: float
    limit_mps: float
    sidewalk_m: float
    lanes: int
    layer: int
    mark: str = ""
    cycle_m: float = 0.0

    @property
    def name(self) -> str:
        """A word that says the whole row, and that survives netconvert: it comes back as the edges' type."""
        layer = {1: "-bridge", -1: "-tunnel"}.get(self.layer, "")
        own = f"-{self.mark}" if self.mark else ""
        cycle = f"-c{round(self.cycle_m * 10)}" if self.cycle_m else ""
        size = f"{round(self.width_m * 100)}-{round(self.sidewalk_m * 10)}-{self.lanes}"
        return f"{self.highway}-{size}{cycle}{own}{layer}"


def class_of_type(name: str) -> tuple[RoadClass, int]:
    """Return (class, layer) of an edge type as netconvert wrote it, e.g. `highway.residential-240-20-1-bridge`."""
    word = name.split("|")[0].removeprefix("highway.")
    layer = 1 if word.endswith("-bridge") else -1 if word.endswith("-tunnel") else 0
    return CLASSES[word.split("-")[0]][0] if word.split("-")[0] in CLASSES else RoadClass.RESIDENTIAL, layer


def mark_of_type(name: str) -> str:
    """Return the generator's mark in an edge type as netconvert wrote it, "" where there is none."""
    words = name.split("|")[0].removeprefix("highway.").split("-")[4:]
    return next((w for w in words if w.isalpha() and w not in ("bridge", "tunnel")), "")


def class_of_limit(limit_mps: float) -> RoadClass:
    """Return a class for a street of a source that has none, from its limit."""
    for bound, road in ((22.3, RoadClass.MOTORWAY), (17.0, RoadClass.PRIMARY), (13.0, RoadClass.SECONDARY)):
        if limit_mps >= bound:
            return road
    return RoadClass.TERTIARY if limit_mps > 9.5 else RoadClass.RESIDENTIAL if limit_mps > 5.6 else RoadClass.LIVING


def metres(text: str) -> float | None:
    """Return a width tag in metres, or None where it cannot be read."""
    try:
        return float(text.lower().replace("m", "").replace(",", ".").split(";")[0])
    except ValueError:
        return None


def street_type(way: str, tags: dict[str, str]) -> StreetType:
    """Return the type of a way with these tags. Chance comes from its name, so that a street keeps its width."""
    highway = tags["highway"]
    _, limit_kmh, width, sidewalk, lanes = CLASSES[highway]
    one_way = tags.get("oneway", "no") in ("yes", "1", "true", "-1") or highway.startswith("motorway")
    chance = hashlib.sha256((tags.get("name") or way).encode()).digest()
    if not one_way:
        lanes = 1
    told = tags.get("lanes", "")
    single = not one_way and told == "1"
    if told.isdigit() and int(told) > 0:
        lanes = int(told) if one_way else max(1, int(told) // 2)
    if highway in NARROW:
        if one_way:
            width = 3.6 if lanes == 1 else 3.1
        elif single or chance[0] < NARROW_SHARE * 256:
            width = 2.4 if single else (2.4, 2.6)[chance[1] % 2]
        else:
            width = (3.0, 3.3, 3.5)[chance[1] % 3]
        sidewalk = PARKING_SIDEWALK_M if chance[2] < PARKING_SHARE * 256 else 1.5 if width < 2.7 else sidewalk
    elif highway in ("living_street", "service"):
        width = 3.2 if one_way else (2.3, 2.4, 2.5)[chance[1] % 3]
        if highway == "living_street" and chance[2] < PARKING_SHARE * 256:
            sidewalk = PARKING_SIDEWALK_M
    elif lanes == 1 and one_way:
        width = max(width, 3.6)
    total = metres(tags.get("width", "") or tags.get("est_width", ""))
    mark = tags.get(MARK_TAG, "")
    if total is not None and 2.2 <= total <= 60.0:
        # Extracts put widths under 4.2 m on ways that are wider; the generators mean theirs.
        width = min(max(total / (lanes if one_way else 2 * lanes), 1.25 if mark else 2.1), 4.5)
    layer = 1 if tags.get("bridge", "no") != "no" else -1 if tags.get("tunnel", "no") not in ("no", "culvert") else 0
    if tags.get("sidewalk") in ("no", "none"):
        sidewalk = 0.0
    elif mark and metres(tags.get("sidewalk:width", "")) is not None:
        sidewalk = float(metres(tags["sidewalk:width"]) or 0.0)
    cycle = float(metres(tags.get("cycleway:width", "")) or 0.0) if mark else 0.0
    return StreetType(highway, round(width, 2), limit_kmh / 3.6, sidewalk, lanes, layer, mark, cycle)


def type_table(types: list[StreetType]) -> str:
    """Return netconvert's type file (XML) for the given rows, each once, in order of name."""
    rails = (
        "tram rail_urban rail rail_electric rail_fast ship container cable_car subway aircraft wheelchair scooter drone"
    )
    rows = []
    for kind in sorted({kind.name: kind for kind in types}.items()):
        name, row = kind
        fast = row.highway.startswith(("motorway", "trunk"))
        no = f"{rails} bicycle" if fast else rails
        no = no if row.sidewalk_m == 0.0 and not fast else f"{no} pedestrian"
        side = f' sidewalkWidth="{row.sidewalk_m}"' if row.sidewalk_m else ""
        side += f' bikeLaneWidth="{row.cycle_m}"' if row.cycle_m else ""
        one_way = "true" if row.highway.startswith("motorway") else "false"
        rows.append(
            f'<type id="highway.{name}" numLanes="{row.lanes}" speed="{row.limit_mps:.2f}" width="{row.width_m}"'
            f' priority="{14 - list(CLASSES).index(row.highway)}" oneway="{one_way}" disallow="{no}"{side}/>'
        )
    return "<types>\n" + "\n".join(rows) + "\n</types>\n"
