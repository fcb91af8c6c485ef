"""Maps into towns: OpenStreetMap, OpenDRIVE or a SUMO net in, a compiled `Town` out.

Needs SUMO's netconvert (extra `[maps]`), except for a SUMO net, which is read as it is.
"""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from xiaolu.world.maps.compiler import drop_distant_foes, junction_outlines, lane_tables
from xiaolu.world.maps.error import MapError
from xiaolu.world.maps.furnish import Making, Site
from xiaolu.world.maps.heights import raise_bridges, round_corners
from xiaolu.world.maps.lanes import build_lanes
from xiaolu.world.maps.net import Net, read_net, without_fragments
from xiaolu.world.maps.netconvert import FOR_OPENDRIVE, FOR_OSM, run_netconvert
from xiaolu.world.maps.osm import Streets, read_streets
from xiaolu.world.maps.projection import to_town
from xiaolu.world.maps.signals import signal_heads, signal_tables, stop_lines
from xiaolu.world.maps.source import kind_of_map
from xiaolu.world.maps.widths import NOTES, NOTES_OF_NETS, type_table
from xiaolu.world.town import LaneKind, Town, without_extras

FRAGMENT_M = 500.0  # less than this much lane that hangs together is a scrap of the extract, and is left out

__all__ = ["Making", "MapError", "import_map"]


def import_map(source: Path, progress: Callable[[str], None] | None = None, making: Making | None = None) -> Town:
    """Return the town that a map compiles to: a pure function of the file's bytes.

    source: OpenStreetMap XML (.osm), OpenDRIVE (.xodr) or a SUMO net (.net.xml, .net.xml.gz). progress: called with a
    few words at each stage. making: how generated towns differ from real maps. Raises MapError, with the way out, for
    a file that cannot become a town.
    """
    source = Path(source)
    say = progress or (lambda words: None)
    making = making or Making()
    kind = kind_of_map(source)
    say(f"reading {source.name}")
    streets: Streets | None = None
    try:
        with tempfile.TemporaryDirectory(prefix="xiaolu-map-") as folder:
            net_path = Path(folder) / "town.net.xml"
            if kind == "osm":
                streets = read_streets(source)
                (Path(folder) / "streets.osm.xml").write_text(streets.xml, encoding="utf-8")
                (Path(folder) / "types.typ.xml").write_text(type_table(streets.types), encoding="utf-8")
                say("netconvert: junctions, right of way, signals")
                files = [f"--osm-files={folder}/streets.osm.xml", f"--type-files={folder}/types.typ.xml"]
                guess = ["--crossings.guess"] if making.crossings else []
                run_netconvert([*files, *FOR_OSM, *guess, *making.options], source, net_path, making.corner_m)
            elif kind == "xodr":
                say("netconvert: junctions, right of way, signals")
                run_netconvert([f"--opendrive-files={source}", *FOR_OPENDRIVE], source, net_path)
            net = read_net(source if kind == "net" else net_path, source)
    except OSError as error:
        raise MapError(
            f"{source}: could not be compiled ({error.strerror or error}); is there room in {tempfile.gettempdir()}?"
        ) from error
    return compile_net(net, streets, source, kind, say, making)


def compile_net(
    net: Net, streets: Streets | None, source: Path, kind: str, say: Callable[[str], None], making: Making
) -> Town:
    """Return the town of a net; `streets` carries what the net could not."""
    say("lanes and signals")
    if kind == "osm":
        net = without_fragments(net, FRAGMENT_M)
    lanes = making.prepare(net, build_lanes(net))
    if not any(lane.kind == LaneKind.DRIVE for lane in lanes):
        raise MapError(f"{source}: no drivable streets in this map; choose an area that has streets for cars")
    round_corners(lanes)
    raise_bridges(lanes)
    drop_distant_foes(lanes)
    content = hashlib.sha256(source.read_bytes()).hexdigest()
    seed = int(content[:15], 16)
    say("what stands along the streets")
    junctions = junction_outlines(net, lanes)
    own = to_town(streets.buildings, net.location) if streets else []
    furniture = making.furnish(Site(lanes, list(junctions.values()), own, seed))
    tables, names = lane_tables(net, lanes, junctions)
    signals = signal_tables(net, lanes, None if kind == "net" else seed)
    stop = stop_lines(lanes, signals["lane_signal"])
    heads = signal_heads(lanes, signals, stop, making.farthest_head_m)
    meta = {
        "name": source.name.split(".")[0],
        "source": kind,
        "source_sha256": content,
        "inference": [*(NOTES if kind == "osm" else NOTES_OF_NETS), *furniture.notes],
        "origin": net.location,
    }
    if making.ground != Making().ground:
        meta["ground"] = making.ground
    return Town(
        meta=meta,
        streets=names,
        places=furniture.places,
        **tables,
        **signals,
        **heads,
        stop_s_m=stop,
        **(without_extras(len(lanes)) | furniture.arrays),
    )
