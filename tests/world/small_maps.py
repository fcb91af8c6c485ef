"""Small maps as text: an OpenStreetMap extract of a crossroads with signals, a living street and a house."""

LON, LAT = 121.47, 31.23
PER_LON, PER_LAT = 95_200.0, 110_900.0  # metres a degree hereabouts


def node(number: int, x_m: float, y_m: float, tags: str = "") -> str:
    return f'<node id="{number}" lon="{LON + x_m / PER_LON:.7f}" lat="{LAT + y_m / PER_LAT:.7f}">{tags}</node>'


def way(number: int, refs: list[int], **tags: str) -> str:
    shape = "".join(f'<nd ref="{ref}"/>' for ref in refs)
    said = "".join(f'<tag k="{key.replace("__", ":")}" v="{value}"/>' for key, value in tags.items())
    return f'<way id="{number}">{shape}{said}</way>'


def extract(*ways: str) -> str:
    """Return an OSM file: a crossroads (node 1) with arms of 200 m, a lane off its eastern arm, and more ways."""
    light = '<tag k="highway" v="traffic_signals"/>'
    nodes = [
        node(1, 0, 0, light),
        node(2, 200, 0),
        node(3, 0, 200),
        node(4, -200, 0),
        node(5, 0, -200),
        node(6, 120, 0),
        node(7, 120, 150),
        *[node(10 + i, x, y) for i, (x, y) in enumerate(((30, 30), (60, 30), (60, 50), (30, 50)))],
    ]
    return '<?xml version="1.0"?><osm version="0.6">' + "".join([*nodes, *ways]) + "</osm>"


def crossroads_osm() -> str:
    return extract(
        way(100, [4, 1, 6, 2], highway="tertiary", name="East Road", oneway="no"),
        way(101, [5, 1, 3], highway="secondary", name="North Road", oneway="no", lanes="4"),
        way(102, [6, 7], highway="living_street", name="Well Lane"),
        way(103, [10, 11, 12, 13, 10], building="yes", building__levels="4"),
    )
