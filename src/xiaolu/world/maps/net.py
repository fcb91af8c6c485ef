"""A SUMO net as it is written: edges, lanes, junctions with their right of way, connections and signal programs.

Comes in: a .net.xml or .net.xml.gz file. Goes out: plain records, world frame, metres; nothing inferred yet.
"""

import gzip
import xml.etree.ElementTree as ElementTree
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from xiaolu.world.maps.error import MapError


@dataclass(slots=True)
class NetLane:
    """shape: (n, 3), z 0 where the source has none. cars, bikes, feet: who may use it. internal: inside a junction."""

    name: str
    edge: str
    function: str
    index: int
    cars: bool
    bikes: bool
    feet: bool
    limit_mps: float
    width_m: float
    shape: np.ndarray
    change_left: bool = True
    change_right: bool = True


@dataclass(slots=True)
class NetEdge:
    """A carriageway of one direction. crossed: for a crossing, the edges it leads over."""

    name: str
    function: str
    start: str
    end: str
    street: str
    kind: str
    crossed: list[str] = field(default_factory=list)
    lanes: list[NetLane] = field(default_factory=list)


@dataclass(slots=True)
class NetJunction:
    """requests: (n, n) bool pairs, response[i, j]: link i gives way to link j; foes[i, j]: their ways meet."""

    name: str
    kind: str
    links: list[str]
    shape: np.ndarray
    response: np.ndarray
    foes: np.ndarray


@dataclass(slots=True)
class NetConnection:
    start: str
    end: str
    via: str
    direction: str
    signal: str
    link: int


@dataclass(slots=True)
class NetProgram:
    name: str
    offset_s: float
    phases: list[tuple[float, str]]


@dataclass(slots=True)
class Net:
    edges: dict[str, NetEdge]
    junctions: list[NetJunction]
    connections: list[NetConnection]
    programs: dict[str, NetProgram]
    location: dict[str, str]


def read_net(path: Path, source: Path) -> Net:
    """Read a SUMO net. Raises MapError naming `source` for a file that is cut short or is no net."""
    net = Net({}, [], [], {}, {})
    rows: list[tuple[str, str]] = []
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for _, element in ElementTree.iterparse(file, events=("end",)):
                if element.tag == "request":
                    rows.append((element.get("response", ""), element.get("foes", "")))
                elif element.tag == "edge":
                    take_edge(net, element)
                    element.clear()
                elif element.tag == "junction":
                    take_junction(net, element, rows)
                    rows = []
                    element.clear()
                elif element.tag == "connection":
                    take_connection(net, element)
                elif element.tag == "tlLogic":
                    phases = [(float(p.get("duration", "1")), p.get("state", "")) for p in element.iter("phase")]
                    name = element.get("id", "")
                    net.programs.setdefault(name, NetProgram(name, float(element.get("offset", "0") or 0), phases))
                elif element.tag == "location":
                    net.location = dict(element.attrib)
    except (ElementTree.ParseError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise MapError(f"{source}: the net breaks off or is damaged ({error}); write or download it again") from error
    except (ValueError, IndexError) as error:
        raise MapError(
            f"{source}: a value in the net cannot be read ({error}); write it again with netconvert"
        ) from error
    return net


def without_fragments(net: Net, least_m: float) -> Net:
    """Return the net without streets that hang together with less than `least_m` of car lanes: scraps of an extract."""
    root: dict[str, str] = {}

    def find(node: str) -> str:
        while root.setdefault(node, node) != node:
            root[node] = root.setdefault(root[node], root[node])
            node = root[node]
        return node

    length: dict[str, float] = {}
    normal = [edge for edge in net.edges.values() if edge.start and edge.end]
    for edge in normal:
        root[find(edge.start)] = find(edge.end)
    for edge in normal:
        for lane in edge.lanes:
            if lane.cars:
                metres = float(np.hypot(*np.diff(lane.shape[:, :2], axis=0).T).sum())
                length[find(edge.start)] = length.get(find(edge.start), 0.0) + metres

    def stays(edge: NetEdge) -> bool:
        node = edge.start or edge.name.removeprefix(":").rsplit("_", 1)[0]
        return length.get(find(node), 0.0) >= least_m

    edges = {name: edge for name, edge in net.edges.items() if stays(edge)}
    links = [
        link
        for link in net.connections
        if link.start.rsplit("_", 1)[0] in edges and link.end.rsplit("_", 1)[0] in edges
    ]
    junctions = [junction for junction in net.junctions if length.get(find(junction.name), 0.0) >= least_m]
    return Net(edges, junctions, links, net.programs, net.location)


def shape_of(text: str) -> np.ndarray:
    """Return (n, 3) of a shape attribute: `x,y x,y,z ...`."""
    rows = [[float(part) for part in point.split(",")] for point in text.split()]
    return np.array([[*row, 0.0][:3] for row in rows]) if rows else np.zeros((0, 3))


def allows(element: ElementTree.Element, kind: str) -> bool:
    """Whether a lane is open to a vehicle class."""
    allowed, barred = element.get("allow"), element.get("disallow")
    if allowed is not None:
        return allowed == "all" or kind in allowed.split()
    return barred is None or (barred != "all" and kind not in barred.split())


def take_edge(net: Net, element: ElementTree.Element) -> None:
    edge = NetEdge(
        element.get("id", ""),
        element.get("function", "normal"),
        element.get("from", ""),
        element.get("to", ""),
        element.get("name", ""),
        element.get("type", ""),
        element.get("crossingEdges", "").split(),
    )
    for lane in element.iter("lane"):
        shape = shape_of(lane.get("shape", ""))
        if len(shape) < 2:
            continue
        cars, bikes, feet = (allows(lane, kind) for kind in ("passenger", "bicycle", "pedestrian"))
        edge.lanes.append(
            NetLane(
                lane.get("id", ""),
                edge.name,
                edge.function,
                int(lane.get("index", "0")),
                cars,
                bikes,
                feet,
                float(lane.get("speed", "8.33")),
                float(lane.get("width", "3.2")),
                shape,
                "passenger" in lane.get("changeLeft", "passenger"),
                "passenger" in lane.get("changeRight", "passenger"),
            )
        )
    net.edges[edge.name] = edge


def take_junction(net: Net, element: ElementTree.Element, rows: list[tuple[str, str]]) -> None:
    if element.get("type") == "internal":
        return
    count = len(rows)
    tables = [np.zeros((count, count), bool), np.zeros((count, count), bool)]
    for index, row in enumerate(rows):
        for table, text in zip(tables, row, strict=True):
            bits = np.frombuffer(text.encode(), np.uint8)[::-1][:count] == ord("1")
            table[index, : len(bits)] = bits
    net.junctions.append(
        NetJunction(
            element.get("id", ""),
            element.get("type", ""),
            element.get("intLanes", "").split(),
            shape_of(element.get("shape", "")),
            tables[0],
            tables[1],
        )
    )


def take_connection(net: Net, element: ElementTree.Element) -> None:
    net.connections.append(
        NetConnection(
            f"{element.get('from')}_{element.get('fromLane')}",
            f"{element.get('to')}_{element.get('toLane')}",
            element.get("via", ""),
            element.get("dir", ""),
            element.get("tl", ""),
            int(element.get("linkIndex", "-1")),
        )
    )
