"""Sites: places of a kind in a town, and a route past one of them. In: a town and a query; out: `Place`s that fit."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from xiaolu.core.chance import Purpose, uniform
from xiaolu.core.control import EGO_BODY
from xiaolu.core.frames import wrap_angle
from xiaolu.world.routing import RoutePath, RoutePlan
from xiaolu.world.scenarios.family import SiteQuery
from xiaolu.world.scenarios.fixtures import obstructs_kerb, parked_beside, stands_before_bay
from xiaolu.world.scenarios.frame import RouteFrame
from xiaolu.world.scenarios.streets import Arms, Streets, streets_of
from xiaolu.world.scenarios.values import Interval
from xiaolu.world.town import LaneKind, Marking, PropKind, RoadClass, Town, Turn

EVERY_M = 25.0  # along a street, a place so often
MOST_PLACES, MOST_LOOKED_AT = 12, 250  # of one query in one town
LINE_BEFORE_M = 1.0
BLIND_BEFORE_M, BLIND_OUT_M = 8.0, 25.0
BAY_ASIDE_M = 7.0
KERB_FAR_M, KERB_STRAIGHT_M = 3.2, 0.3  # a kerb further from the lane's middle is not drawn up to, nor one that jumps
FACING_M = 14.0  # arms whose mouths lie further apart along the ego's way are two junctions, one after the other; tuned

_TURNS = {"straight": Turn.STRAIGHT, "left": Turn.LEFT, "right": Turn.RIGHT}


@dataclass(frozen=True, slots=True)
class Site:
    """core: lanes one after the other; the anchor lies s_m into core[at]. from_m, to_m: the site's extent about it.

    junction_lane, crossing, bay: which it is about, -1 for none. chain: approach, junction lanes, exit.
    """

    core: tuple[int, ...]
    at: int
    s_m: float
    from_m: float = 0.0
    to_m: float = 0.0
    junction_lane: int = -1
    crossing: int = -1
    bay: tuple[float, float, float] | None = None
    chain: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A site with a route past it. start_pose: (x, y, yaw) of the rear axle where it is not the route's."""

    site: Site
    plan: RoutePlan
    path: RoutePath
    frame: RouteFrame
    arms: Arms | None
    start_pose: tuple[float, float, float] | None = None
    extra: dict[str, float] = field(default_factory=dict)


def _streets(town: Town, query: SiteQuery, streets: Streets) -> Iterator[Site]:
    for lane in np.flatnonzero(streets.ordinary & (town.lane_layer == 0)):
        length = float(town.lane_length_m[lane])
        if query.length_m is not None and not query.length_m[0] <= length <= query.length_m[1]:
            continue
        if query.kind == "narrow" and town.lane_twin[lane] < 0:
            continue
        if int(lane) in streets.ring:
            continue
        for s in np.arange(query.clear_m, length - query.clear_m + 0.1, EVERY_M):
            yield Site((int(lane),), 0, float(s), -float(s), length - float(s))


def _junctions(town: Town, query: SiteQuery, streets: Streets) -> Iterator[Site]:
    for lane in np.flatnonzero(streets.drive & (town.lane_junction >= 0) & (town.lane_layer == 0)):
        if query.turn != "any" and town.lane_turn[lane] != _TURNS[query.turn]:
            continue
        for chain in streets.through(int(lane)):
            if town.lane_turn[lane] == Turn.U_TURN or abs(streets._turned(int(lane))) > 2.3:
                continue
            if query.roundabout != (chain[-1] in streets.ring and chain[0] not in streets.ring):
                continue
            length = float(town.lane_length_m[chain[1:-1]].sum())
            yield Site(tuple(chain), 1, 0.0, 0.0, length, junction_lane=int(lane), chain=tuple(chain))


def _crossings(town: Town, query: SiteQuery, streets: Streets) -> Iterator[Site]:
    for crossing in streets.crossings:
        line = town.line(int(crossing))[:, :2]
        for lane in town.cross_lane[town.cross_start[crossing] : town.cross_start[crossing + 1]]:
            if not streets.drive[lane] or town.lane_layer[lane] != 0:
                continue
            chains = [[int(lane)]] if streets.ordinary[lane] else streets.through(int(lane))
            for chain in chains:
                hit = _meeting(town, chain, line)
                if hit is not None:
                    half = 0.5 * float(town.lane_width_m[crossing])
                    inner = tuple(chain) if len(chain) > 1 else ()
                    yield Site(tuple(chain), hit[0], hit[1], -half, half, crossing=int(crossing), chain=inner,
                               junction_lane=-1 if streets.ordinary[lane] else int(lane))  # fmt: skip


def _meeting(town: Town, chain: list[int], line: np.ndarray) -> tuple[int, float] | None:
    """Return (position in the chain, s_m) of where the chain's line is nearest to a crossing's, if they meet."""
    best: tuple[float, int, float] | None = None
    for at, lane in enumerate(chain):
        own = town.line(lane)[:, :2]
        gap = np.hypot(*(own[:, None] - line[None]).transpose(2, 0, 1)).min(axis=1)
        k = int(gap.argmin())
        if best is None or gap[k] < best[0]:
            best = (float(gap[k]), at, k / (len(own) - 1) * float(town.lane_length_m[lane]))
    return None if best is None or best[0] > 1.2 else (best[1], best[2])


def _bends(town: Town, query: SiteQuery, streets: Streets) -> Iterator[Site]:
    for lane in np.flatnonzero(streets.ordinary & (town.lane_layer == 0) & (town.lane_length_m > 40.0)):
        line = town.line(int(lane))[:, :2]
        step = np.diff(line, axis=0)
        yaw = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
        spacing = float(town.lane_length_m[lane]) / len(step)
        reach = max(int(8.0 / spacing), 1)
        if len(yaw) < 2 * reach + 2 or int(lane) in streets.ring:
            continue
        turned = np.abs(yaw[2 * reach :] - yaw[: -2 * reach])
        if turned.max() > 0.4:
            s = (int(turned.argmax()) + reach + 0.5) * spacing
            yield Site((int(lane),), 0, s, -8.0, 8.0)


def _dead_ends(town: Town, query: SiteQuery, streets: Streets) -> Iterator[Site]:
    for lane in np.flatnonzero(streets.ordinary & (town.lane_layer == 0) & (town.lane_length_m > 30.0)):
        onward = [n for n in town.following(int(lane)) if streets.drive[n] and town.lane_turn[n] != Turn.U_TURN]
        if not onward:
            length = float(town.lane_length_m[lane])
            yield Site((int(lane),), 0, length, -length, 0.0)


def _bays(town: Town, query: SiteQuery, streets: Streets) -> Iterator[Site]:
    bays = [(int(lane), *(float(v) for v in pose)) for lane, pose in zip(town.bay_lane, town.bay_pose, strict=True)]
    for prop in np.flatnonzero((town.prop_kind == PropKind.PARKED_CAR) & (town.prop_layer == 0)):
        px, py, turned = (float(v) for v in town.prop_pose[prop])
        found, _, _, distance = streets.ground.nearest(px, py, (int(LaneKind.DRIVE),), yaw=turned)
        if found >= 0 and distance < BAY_ASIDE_M:
            bays.append((int(found), px, py, turned))
    for bay in bays:
        lane = int(bay[0])
        if lane < 0 or not streets.ordinary[lane] or town.lane_right[lane] >= 0:
            continue
        x, y, yaw = bay[1:]
        line = town.line(lane)[:, :2]
        nearest = int(np.argmin(np.hypot(*(line - [x, y]).T)))
        s = nearest / (len(line) - 1) * float(town.lane_length_m[lane])
        at = town.pose_at(lane, s)
        left = -np.sin(at[3]) * (x - at[0]) + np.cos(at[3]) * (y - at[1])
        inwards = np.sin(yaw - at[3]) < -0.3
        if inwards and abs(np.cos(yaw - at[3])) > 0.5:
            continue  # who stands in it slantwise, nose in, can only back out
        if inwards:
            yaw = float(wrap_angle(yaw + np.pi))  # parked backwards, so that it leaves forwards
        if 6.0 < s < town.lane_length_m[lane] - 12.0 and -BAY_ASIDE_M < left < -1.5:
            yield Site((lane,), 0, s, -3.0, 3.0, bay=(x, y, yaw))


def _kerbs(town: Town, query: SiteQuery, streets: Streets) -> Iterator[Site]:
    for lane, s in zip(town.pickup_lane, town.pickup_s_m, strict=True):
        if streets.ordinary[lane]:
            yield Site((int(lane),), 0, float(s), -5.0, 5.0)


def _gates(town: Town, query: SiteQuery, streets: Streets) -> Iterator[Site]:
    for lane, s in zip(town.gate_lane, town.gate_s_m, strict=True):
        if streets.ordinary[lane]:
            yield Site((int(lane),), 0, float(s), -1.0, 1.0)


_FINDERS = {
    "street": _streets, "narrow": _streets, "junction": _junctions, "crossing": _crossings, "bend": _bends,
    "dead_end": _dead_ends, "bay": _bays, "kerb": _kerbs, "gate": _gates,
}  # fmt: skip


def _by_tables(town: Town, query: SiteQuery, site: Site, streets: Streets) -> bool:
    """Whether a site fits as far as the town's tables say; what must be measured comes later."""
    lane = site.core[max(site.at - 1, 0)] if site.junction_lane >= 0 else site.core[site.at]
    same_edge = np.flatnonzero(town.lane_edge == town.lane_edge[lane])
    drive = same_edge[streets.drive[same_edge]]
    if query.classes and RoadClass(int(town.lane_class[lane])).name.lower() not in query.classes:
        return False
    if query.lanes is not None and not query.lanes[0] <= len(drive) <= query.lanes[1]:
        return False
    if query.limit_mps is not None and not query.limit_mps[0] <= town.lane_limit_mps[lane] <= query.limit_mps[1]:
        return False
    if query.shared is not None and (town.lane_twin[lane] >= 0) != query.shared:
        return False
    if query.private is not None and bool(town.lane_private[lane]) != query.private:
        return False
    if town.lane_class[lane] <= RoadClass.TRUNK:
        return False
    if query.kind == "junction":
        return _junction_by_tables(town, query, site)
    if query.kind == "crossing":
        signal = town.lane_signal[site.crossing] >= 0
        marked = not town.lane_private[lane] and town.lane_class[lane] < RoadClass.LIVING
        return query.signal in (None, bool(signal)) and query.marked in (None, bool(marked or signal))
    return True


def _junction_by_tables(town: Town, query: SiteQuery, site: Site) -> bool:
    lane, approach = site.junction_lane, site.core[0]
    signal = bool(town.lane_signal[lane] >= 0)
    heads = np.flatnonzero((town.head_lane == lane) & ~town.head_walk)
    facts = {
        "signal": signal,
        "arrow": bool((town.head_arrow[heads] != Turn.NONE).any()),
        "countdown": bool(town.head_countdown[heads].any()),
        "marked": bool(np.isfinite(town.stop_s_m[approach])) or town.lane_marking[approach] != Marking.NONE,
        "waiting_area": bool(np.isfinite(town.waiting_s_m[lane])),
    }
    if signal and not len(heads):
        return False
    return all(getattr(query, name) in (None, fact) for name, fact in facts.items())


def _measured(town: Town, query: SiteQuery, place: Place, streets: Streets) -> bool:
    """Whether a place fits where that must be measured along its route."""
    frame = place.frame
    # At a junction the street is looked at a little before it.
    here = -6.0 if query.kind == "junction" else 0.0
    if query.kind == "dead_end":
        here = -6.0
    right, left = frame.edges(here)
    if query.width_m is not None and not query.width_m[0] <= left - right <= query.width_m[1]:
        return False
    if query.two_way is not None and (frame.oncoming(here) is not None) != query.two_way:
        return False
    if (
        query.sidewalk is not None
        and _sides(frame.walkway(here, -1.0) >= 0, frame.walkway(here, 1.0) >= 0) != query.sidewalk
    ):
        return False
    if query.parked is not None and _sides(*parked_beside(town, frame)) != query.parked:
        return False
    if query.bend_deg is not None:
        low, high = query.bend_deg
        if not low <= np.degrees(frame.bend_rad(0.0)) <= high:
            return False
    if query.kind == "bay" and place.site.bay is not None and stands_before_bay(town, place.site.bay):
        return False
    if query.kind == "kerb" and (obstructs_kerb(town, frame) or not _draws_up(frame, query.kerb_m)):
        return False
    arms = place.arms
    if (
        query.arms is not None
        and arms is not None
        and not query.arms[0] <= len(arms.names | {"behind"}) <= query.arms[1]
    ):
        return False
    if arms is not None and any(not arms.into.get(arm) for arm in query.has):
        return False
    if arms is not None and {"right", "left"} <= set(query.has) and not _face(town, frame, arms):
        return False
    if query.gives_way is not None and arms is not None and _gives_way(town, place, arms) != query.gives_way:
        return False
    if query.crossing is not None and _goes_over_crossing(town, place) != query.crossing:
        return False
    return query.blind is None or _is_blind(town, query, place, streets) == query.blind


def _sides(right: bool, left: bool) -> str:
    return {(True, True): "both", (True, False): "right", (False, True): "left"}.get((right, left), "none")


def _draws_up(frame: RouteFrame, along_m: Interval) -> bool:
    """Whether along there, from the anchor, is a kerb that a car in its lane can draw up to: near by, and straight."""
    kerb = np.array([frame.edges(float(s))[0] for s in np.arange(along_m[0], along_m[1] + 0.1, 1.0)])
    return bool(kerb.min() > -KERB_FAR_M and np.ptp(kerb) < KERB_STRAIGHT_M)


def _goes_over_crossing(town: Town, place: Place) -> bool:
    lane = place.site.junction_lane
    meets = town.cross_lane[town.cross_start[lane] : town.cross_start[lane + 1]]
    return bool((town.lane_kind[meets] == LaneKind.CROSSING).any())


def _face(town: Town, frame: RouteFrame, arms: Arms) -> bool:
    """Whether the arms to the right and to the left come into the ego's way at one place, within FACING_M."""
    mouths = {}
    for arm in ("right", "left"):
        ends = [town.pose_at(lane, town.lane_length_m[lane]) for lane in arms.into[arm]]
        mouths[arm] = np.array([frame.of(float(end[0]), float(end[1]), 0.0)[0] for end in ends])
    return bool(np.abs(mouths["right"][:, None] - mouths["left"]).min() < FACING_M)


def _gives_way(town: Town, place: Place, arms: Arms) -> bool:
    """Whether the ego has to let those go first who come from the arm to the right."""
    lane = place.site.junction_lane
    first = town.yield_lane[town.yield_start[lane] : town.yield_start[lane + 1]]
    comes = [onward for approach in arms.into.get("right", []) for onward in town.following(approach)]
    return bool(np.isin(comes, first).any())


def _is_blind(town: Town, query: SiteQuery, place: Place, streets: Streets) -> bool:
    x, y, _, yaw = place.frame.pose(-BLIND_BEFORE_M)
    eye = np.array([x + 1.6 * np.cos(yaw), y + 1.6 * np.sin(yaw)])
    if query.kind == "bend":
        targets = [place.frame.pose(BLIND_OUT_M)[:2]]
    else:
        assert place.arms is not None
        lanes = [lane for arm in ("left", "right") for lane in place.arms.into.get(arm, [])]
        targets = [tuple(town.pose_at(lane, max(town.lane_length_m[lane] - BLIND_OUT_M, 0.0))[:2]) for lane in lanes]
    if not targets:
        return False
    seen = streets.sight.visible(eye, np.array(targets), np.empty((0, 5)), np.full(len(targets), -1))
    return not bool(np.all(seen))


def place_of(town: Town, query: SiteQuery, site: Site, before_m: float, after_m: float, start: str) -> Place | None:
    """Return a site with a route from before_m before its anchor to after_m after it; None where there is none."""
    streets = streets_of(town)
    if start == "lane":
        plan = streets.route(list(site.core), site.at, site.s_m, before_m, after_m)
    else:
        plan = streets.route(list(site.core), site.at, site.s_m, 2.0, after_m)
    if plan is None:
        return None
    path = RoutePath(town, plan)
    if not streets.drivable(path):
        return None
    lengths = town.lane_length_m
    core_at = _position(plan.lanes, site.core)
    if core_at is None or core_at + site.at < 0:
        return None
    x, y, _, _ = town.pose_at(site.core[site.at], site.s_m)
    along = float(lengths[plan.lanes[: core_at + site.at]].sum()) + site.s_m - plan.start_s_m
    anchor = RouteFrame(town, path, 0.0, streets.ground, {}).of(x, y, along, 25.0)[0]
    marks = {"site_from_m": site.from_m, "site_to_m": site.to_m}
    marks["stop_line_m"] = _stop_line(town, site, path, anchor)
    arms = streets.arms(list(site.chain)) if site.chain else None
    frame = RouteFrame(town, path, anchor, streets.ground, marks)
    pose = None
    if start == "bay" and site.bay is not None:
        bx, by, byaw = site.bay
        back = EGO_BODY.centre_x_m
        pose = (bx - back * float(np.cos(byaw)), by - back * float(np.sin(byaw)), byaw)
    elif start == "kerb":
        right, _ = frame.edges(0.0)
        kx, ky, _, kyaw = frame.pose(0.0, right + EGO_BODY.width_m / 2 + 0.3)
        pose = (kx, ky, kyaw)
    return Place(site, plan, path, frame, arms, pose)


def _position(lanes: np.ndarray, core: tuple[int, ...]) -> int | None:
    """Return where a route's lanes hold the core's first lane; also where the route begins or ends within the core."""
    for offset, lane in enumerate(core):
        found = np.flatnonzero(lanes == lane)
        if len(found):
            return int(found[0]) - offset
    return None


def _stop_line(town: Town, site: Site, path: RoutePath, anchor_s_m: float) -> float:
    """Return the stop line's s_m: of the last lane before the anchor that has one, else a little before the site."""
    for lane in reversed(site.core[: max(site.at, 0) + 1]):
        stop = float(town.stop_s_m[lane])
        if np.isfinite(stop):
            x, y, _, _ = town.pose_at(lane, stop)
            s_m = float(path.project(x, y, anchor_s_m - 3.0, 40.0)[0]) - anchor_s_m
            if s_m < 1.0:
                return s_m
    return min(site.from_m, 0.0) - LINE_BEFORE_M


@lru_cache(maxsize=256)
def places(town: Town, query: SiteQuery, before_m: float, after_m: float, start: str = "lane") -> tuple[Site, ...]:
    """Return sites of a town that fit a query, at most MOST_PLACES, in an order that chance gives the town."""
    streets = streets_of(town)
    sites = [s for s in _FINDERS[query.kind](town, query, streets) if _by_tables(town, query, s, streets)]
    if not sites:
        return ()
    order = np.argsort(uniform(len(sites), np.arange(len(sites)), 0, Purpose.ROUTE, 7))
    found: list[Site] = []
    for index in order[:MOST_LOOKED_AT]:
        place = place_of(town, query, sites[int(index)], before_m, after_m, start)
        if place is not None and _measured(town, query, place, streets):
            found.append(sites[int(index)])
            if len(found) == MOST_PLACES:
                break
    return tuple(found)


__all__ = ["Place", "Site", "place_of", "places", "wrap_angle"]
