"""OpenStreetMap in, before and beside netconvert: ways rewritten so that what they leave unsaid is said, buildings.

Comes in: an OSM XML file. Goes out: the same roads with inferred types, as XML for netconvert, plus building outlines
in degrees (longitude, latitude), which netconvert would drop.
"""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import quoteattr

from xiaolu.world.maps.error import MapError
from xiaolu.world.maps.widths import CLASSES, StreetType, metres, street_type

NODE_TAGS = ("traffic_signals", "crossing", "stop", "give_way", "turning_circle", "mini_roundabout")
WAY_TAGS = ("oneway", "name", "maxspeed", "junction", "access", "turn:lanes", "motor_vehicle")
FLOOR_M = 3.2
SPLIT_ID = 9_000_000_000_000_000  # ids of ways that had to be split; beyond any that OpenStreetMap gave out
SMALL_SERVICE = ("driveway", "parking_aisle", "drive-through", "emergency_access")

Road = tuple[str, list[str], dict[str, str], StreetType]  # id, node references, tags, inferred type


@dataclass(slots=True)
class Streets:
    """What an OSM file holds for us. buildings: ((n, 2) list of lon, lat; height in metres or None) each."""

    xml: str
    types: list[StreetType]
    buildings: list[tuple[list[tuple[float, float]], float | None]] = field(default_factory=list)
    bounds: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


def read_streets(source: Path) -> Streets:
    """Read an OSM XML file. Raises MapError for one that is cut short, is no OSM, or has no street a car may use."""
    nodes: dict[str, tuple[str, str, dict[str, str]]] = {}
    roads: list[Road] = []
    buildings: list[tuple[list[str], float | None]] = []
    relations: list[tuple[str, list[tuple[str, str, str]], dict[str, str]]] = []
    ways = 0
    try:
        for _, element in ElementTree.iterparse(source, events=("end",)):
            if element.tag == "node" and "lon" in element.attrib:
                tags = {t.get("k", ""): t.get("v", "") for t in element.iter("tag")}
                nodes[element.get("id", "")] = (element.get("lon", ""), element.get("lat", ""), tags)
            elif element.tag == "way":
                ways += 1
                tags = {t.get("k", ""): t.get("v", "") for t in element.iter("tag")}
                refs = [n.get("ref", "") for n in element.iter("nd")]
                if tags.get("highway") in CLASSES and drivable(tags):
                    identity = element.get("id", "")
                    roads.append((identity, refs, tags, street_type(identity, tags)))
                elif "building" in tags and len(refs) > 3 and refs[0] == refs[-1]:
                    buildings.append((refs, height_of(tags)))
            elif element.tag == "relation":
                tags = {t.get("k", ""): t.get("v", "") for t in element.iter("tag")}
                if tags.get("type") == "restriction":
                    members = [(m.get("type", ""), m.get("ref", ""), m.get("role", "")) for m in element.iter("member")]
                    relations.append((element.get("id", ""), members, tags))
            if element.tag in ("node", "way", "relation"):
                element.clear()
    except ElementTree.ParseError as error:
        raise MapError(
            f"{source}: the XML breaks off or is damaged ({error}); download the extract again and import that"
        ) from error
    roads = each_stretch_once(roads)
    if not nodes:
        raise MapError(f"{source}: an OpenStreetMap file without nodes: an empty extract; choose an area with streets")
    if not roads:
        raise MapError(
            f"{source}: no drivable streets among {ways} ways and {len(nodes)} nodes; choose an area with ways tagged "
            f"highway={', '.join(list(CLASSES)[4:6])}, residential or the like"
        )
    outlines = [([point_of(nodes[r]) for r in refs if r in nodes], height) for refs, height in buildings]
    return Streets(write(nodes, roads, relations), [road[3] for road in roads], [o for o in outlines if len(o[0]) > 3])


def each_stretch_once(roads: list[Road]) -> list[Road]:
    """Return the roads without stretches that are there twice: some exports run a two-way way forth and back again."""
    seen: set[tuple[str, str]] = set()
    kept: list[Road] = []
    for identity, refs, tags, kind in roads:
        runs: list[list[str]] = []
        for a, b in pairwise(refs):
            fresh = a != b and (a, b) not in seen
            if fresh:
                seen.add((a, b))
                if not is_one_way(tags):
                    seen.add((b, a))
                if runs and runs[-1] and runs[-1][-1] == a:
                    runs[-1].append(b)
                else:
                    runs.append([a, b])
        for place, run in enumerate(runs):
            kept.append((identity if place == 0 else str(SPLIT_ID + len(kept)), run, tags, kind))
    return kept


def is_one_way(tags: dict[str, str]) -> bool:
    return tags.get("oneway", "no") in ("yes", "1", "true", "-1") or tags["highway"].startswith("motorway")


def point_of(node: tuple[str, str, dict[str, str]]) -> tuple[float, float]:
    return float(node[0]), float(node[1])


def drivable(tags: dict[str, str]) -> bool:
    """Whether a car may use a way: not private, no driveway or parking aisle, no area."""
    if tags.get("access") in ("no", "private") or tags.get("motor_vehicle") in ("no", "private"):
        return False
    return tags.get("area") != "yes" and tags.get("service") not in SMALL_SERVICE


def height_of(tags: dict[str, str]) -> float | None:
    """Return a building's height in metres from its tags, None where they say nothing."""
    height = metres(tags.get("height", ""))
    levels = metres(tags.get("building:levels", ""))
    return height if height else levels * FLOOR_M if levels else None


def write(nodes, roads, relations) -> str:
    """Return OSM XML of the roads alone, each with its inferred type in place of the highway value."""
    used = {ref for _, refs, _, _ in roads for ref in refs}
    lines = ['<osm version="0.6">']
    for ref, (lon, lat, tags) in nodes.items():
        if ref in used:
            keep = "".join(
                f"<tag k={quoteattr(k)} v={quoteattr(v)}/>"
                for k, v in tags.items()
                if k == "highway" and v in NODE_TAGS
            )
            lines.append(f'<node id="{ref}" lon="{lon}" lat="{lat}" version="1">{keep}</node>')
    for identity, refs, tags, kind in roads:
        said = {key: tags[key] for key in WAY_TAGS if key in tags}
        said["lanes"] = str(kind.lanes if is_one_way(tags) else 2 * kind.lanes)
        said["highway"] = kind.name
        tagged = "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in said.items())
        shape = "".join(f'<nd ref="{ref}"/>' for ref in refs if ref in nodes)
        lines.append(f'<way id="{identity}" version="1">{shape}{tagged}</way>')
    for identity, members, tags in relations:
        listed = "".join(f'<member type="{t}" ref="{r}" role={quoteattr(role)}/>' for t, r, role in members)
        tagged = "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items())
        lines.append(f'<relation id="{identity}" version="1">{listed}{tagged}</relation>')
    lines.append("</osm>")
    return "\n".join(lines)
