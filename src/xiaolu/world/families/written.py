"""A family's streets written down as a map that says everything: lanes, widths, marks. In: a street map; out: XML."""

from collections.abc import Callable, Iterable

from xiaolu.world.extract import Extract
from xiaolu.world.maps.widths import MARK_TAG
from xiaolu.world.street_map import Line, StreetMap


def written(built: StreetMap, name_of: Callable[[Line], str], signals: Iterable[int] = ()) -> str:
    """Return the OpenStreetMap XML of a street map whose profiles say their widths.

    name_of: asked once for each street, in order; "" leaves it without a name. signals: points that carry them.
    """
    extract = Extract(built)
    for point in sorted(signals):
        extract.node_tags[point] = "traffic_signals"
    names: dict[int, str] = {}
    for line in built.lines:
        profile = line.profile
        if line.name not in names:
            names[line.name] = name_of(line)
        tags = {"highway": profile.highway, "oneway": "no"}
        if names[line.name]:
            tags["name"] = names[line.name]
        tags |= {
            "lanes": str(profile.lanes),
            "width": f"{profile.width_m:.1f}",
            MARK_TAG: profile.mark,
            "sidewalk:width": f"{profile.sidewalk_m:.1f}",
        }
        if profile.cycle_m:
            tags["cycleway:width"] = f"{profile.cycle_m:.1f}"
        if profile.sidewalk_m == 0.0:
            tags["sidewalk"] = "no"
        extract.ways.append((line.points, tags))
    return extract.xml()
