"""What kind of map a file is, by what is in it rather than by its name."""

import gzip
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from xiaolu.world.maps.error import MapError

ROOTS = {"osm": "osm", "OpenDRIVE": "xodr", "net": "net"}
READS = "an OpenStreetMap extract (.osm), OpenDRIVE (.xodr) or a SUMO net (.net.xml, .net.xml.gz)"
STRANGERS = (
    (b"\x89PNG", "a PNG picture", "export the area as OpenStreetMap XML instead"),
    (b"\xff\xd8", "a JPEG picture", "export the area as OpenStreetMap XML instead"),
    (b"%PDF", "a PDF", "export the area as OpenStreetMap XML instead"),
    (
        b"PK\x03\x04",
        "a zip archive, or a compiled town",
        "unpack it; a town is not imported but driven in, with --town",
    ),
    (b"BZh", "packed with bzip2", "unpack it with bunzip2"),
    (b"SQLite", "a database", "export the area as OpenStreetMap XML instead"),
)


def kind_of_map(source: Path) -> str:
    """Return "osm", "xodr" or "net". Raises MapError for anything else, saying what it is and what would do."""
    if not source.exists():
        raise MapError(f"{source}: there is no such file; import reads {READS}")
    if source.is_dir():
        raise MapError(f"{source} is a folder; import reads one file: {READS}")
    with source.open("rb") as file:
        head = file.read(64)
    if not head.strip():
        raise MapError(f"{source} is empty; download the map again")
    for magic, what, way in STRANGERS:
        if head.startswith(magic):
            raise MapError(f"{source} is {what}, no map that import reads; {way}")
    if b"OSMHeader" in head:
        raise MapError(f"{source} is OpenStreetMap in PBF; `osmium cat {source.name} -o map.osm` makes XML of it")
    if head.lstrip()[:1] in (b"{", b"["):
        raise MapError(f"{source} is JSON (GeoJSON?), not OpenStreetMap XML; import reads {READS}")
    packed = head.startswith(b"\x1f\x8b")
    root = root_of(source, packed)
    if root not in ROOTS:
        raise MapError(f"{source} is XML of another kind (<{root}>); import reads {READS}")
    if packed and ROOTS[root] != "net":
        raise MapError(f"{source} is packed; unpack it with gunzip")
    if ROOTS[root] == "xodr":
        check_roads(source)
    return ROOTS[root]


def root_of(source: Path, packed: bool) -> str:
    """Return the name of the outermost XML element."""
    try:
        with gzip.open(source) if packed else source.open("rb") as file:
            for _, element in ElementTree.iterparse(file, events=("start",)):
                return str(element.tag).rsplit("}", 1)[-1]
    except (ElementTree.ParseError, EOFError, OSError) as error:
        raise MapError(f"{source} is not XML, or damaged at its start ({error}); import reads {READS}") from error
    return ""


def check_roads(source: Path) -> None:
    """Raise MapError for OpenDRIVE that is cut short or holds no road, before netconvert makes half a town of it."""
    roads = 0
    try:
        for _, element in ElementTree.iterparse(source, events=("end",)):
            if str(element.tag).rsplit("}", 1)[-1] == "road":
                roads += 1
                element.clear()
    except ElementTree.ParseError as error:
        raise MapError(
            f"{source}: the XML breaks off or is damaged ({error}); write it again and import that"
        ) from error
    if not roads:
        raise MapError(f"{source}: OpenDRIVE without a single road: no drivable streets; choose another map")
