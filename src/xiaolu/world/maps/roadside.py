"""Trees, lamps, benches, bus stops, places where cars park, and kerbs where one is picked up and set down.

Comes in: the lanes; where cars park, the sidewalk beside them is moved aside in place. Goes out: the town's arrays.
"""

import numpy as np
import shapely

from xiaolu.core.chance import Purpose, generator
from xiaolu.core.frames import box_corners
from xiaolu.world.maps.lanes import Lane, length_of, resample
from xiaolu.world.maps.surfaces import at, by_edge, lane_surfaces, offset_points
from xiaolu.world.town import LaneKind, PropKind, RoadClass

CAR_HALF_M = 0.92
CAR_HALF_LENGTH_M = 2.3
MOST_IN_LANE_M = 0.38
INTRUSION_M = (0.12, 0.35)  # how far a car parked half on the kerb stands in the lane
CLEAR_OF_JUNCTION_M = 13.0  # to a parked car's middle: its bumper stays 10 m away
PITCH_M = 6.4
WALK_CENTRE_M = 2.35  # where people walk past parked cars, from the kerb
LEAST_SIDEWALK_M = 2.7  # with a narrower one there is no room for cars half on it
EDGE_M = 0.45
BUS_STOP_SHARE = 0.3
PICKUP_EVERY_M = 70.0
PICKUP_MARGIN_M = 18.0


def place_parked(lanes: list[Lane], seed: int) -> list[tuple[float, float, float]]:
    """Return (x, y, yaw) of places for parked cars, and move the sidewalks they stand on aside, in place."""
    chance = generator(seed, Purpose.PARKING, 1)
    crossings = [i for i, lane in enumerate(lanes) if lane.kind == LaneKind.CROSSING]
    zebra = lane_surfaces([lanes[i] for i in crossings], 4.0) if crossings else np.array([], dtype=object)
    tree = shapely.STRtree(zebra)
    strips = lane_surfaces([lane for lane in lanes if lane.kind == LaneKind.DRIVE and lane.layer == 0])
    roads = shapely.STRtree(strips)
    places: list[tuple[float, float, float]] = []
    for numbers in by_edge(lanes).values():
        walk = lanes[numbers[0]] if lanes[numbers[0]].kind == LaneKind.FOOT else None
        drive = next((lanes[n] for n in numbers if lanes[n].kind == LaneKind.DRIVE), None)
        if drive is None or drive.road < RoadClass.RESIDENTIAL or drive.layer != 0:
            continue
        if 0 <= drive.twin < numbers[-1]:
            continue  # one surface with two directions has room for parked cars on one side only
        if walk is not None and walk.width_m < LEAST_SIDEWALK_M:
            continue
        length = length_of(drive.line)
        taken: list[float] = []
        s = CLEAR_OF_JUNCTION_M + chance.uniform(0.0, 12.0)
        while s < length - CLEAR_OF_JUNCTION_M:
            for _ in range(int(chance.integers(2, 7))):
                intrusion, jitter = chance.uniform(*INTRUSION_M), chance.uniform(-0.35, 0.35)
                if s + jitter > length - CLEAR_OF_JUNCTION_M:
                    break
                x, y, yaw = at(drive.line, s + jitter)
                right = drive.width_m / 2 + CAR_HALF_M - intrusion
                x, y = x + np.sin(yaw) * right, y - np.cos(yaw) * right
                bent = abs(np.sin(at(drive.line, s - 4.0)[2] - at(drive.line, s + 4.0)[2]))
                size = np.array([2.0 * CAR_HALF_LENGTH_M]), np.array([2.0 * CAR_HALF_M])
                box = shapely.Polygon(box_corners(np.array([x]), np.array([y]), np.array([yaw]), *size)[0])
                free = not len(tree.query(box, predicate="intersects")) and not reaches_far(box, roads, strips)
                free = free and all(np.hypot(x - other[0], y - other[1]) > 5.2 for other in places)
                if bent < 0.12 and free:
                    places.append((float(x), float(y), yaw))
                    taken.append(s)
                s += PITCH_M
            s += chance.uniform(9.0, 30.0)
        if walk is not None and taken:
            move_aside(walk, taken, length)
    return places


def reaches_far(box: shapely.Polygon, roads: shapely.STRtree, strips: np.ndarray) -> bool:
    """Whether a parked car would stand in some lane by more than cars parked half on the kerb do."""
    near = roads.query(box, predicate="intersects")
    if not len(near):
        return False
    return bool(shapely.area(shapely.intersection(box, strips[near])).max() > MOST_IN_LANE_M * 2 * CAR_HALF_LENGTH_M)


def move_aside(walk: Lane, taken: list[float], length: float) -> None:
    """Bend a sidewalk's line to the right where cars stand on it, over about ten metres."""
    s = np.linspace(0.0, length, len(walk.line))
    gap = np.abs(s[:, None] - np.array(taken)).min(axis=1)
    t = np.clip((11.0 - gap) / 7.0, 0.0, 1.0)
    t = np.minimum(t, np.clip(np.minimum(s, length - s) / 7.0, 0.0, 1.0))
    shift = max(WALK_CENTRE_M - walk.width_m / 2, 0.0) * t * t * (3.0 - 2.0 * t)
    walk.line = resample(np.column_stack([offset_points(walk.line, -shift), walk.line[:, 2]]))


def place_props(
    lanes: list[Lane], parked: list[tuple[float, float, float]], seed: int, bus_stops: float = BUS_STOP_SHARE
) -> dict[str, np.ndarray]:
    """Return the prop arrays: what stands on sidewalks' outer edges, and the places for parked cars.

    bus_stops: the share of long stretches of bigger streets that have one.
    """
    chance = generator(seed, Purpose.STYLE, 1)
    rows: list[tuple[int, float, float, float, int]] = []
    roads = np.array([i for i, lane in enumerate(lanes) if lane.kind in (LaneKind.DRIVE, LaneKind.CROSSING)])
    tree = shapely.STRtree(lane_surfaces([lanes[i] for i in roads], 0.35))
    for lane in lanes:
        if lane.kind != LaneKind.FOOT or lane.junction or lane.layer < 0:
            continue
        length = length_of(lane.line)
        out = -(lane.width_m / 2 - EDGE_M)
        wooded = lane.road >= RoadClass.PRIMARY and chance.random() < (0.8 if lane.width_m > 1.8 else 0.15)
        spacing, lamp_at, stop, bench = (
            chance.uniform(7.0, 12.0),
            chance.uniform(8.0, 26.0),
            chance.random(),
            chance.random(),
        )
        items: list[tuple[PropKind, float]] = []
        if wooded and lane.layer == 0:
            items += [(PropKind.TREE, float(s)) for s in np.arange(7.0, length - 7.0, spacing)]
        items += [(PropKind.LAMP, float(s)) for s in np.arange(lamp_at, length - 3.0, 32.0)]
        if (
            lane.road in (RoadClass.PRIMARY, RoadClass.SECONDARY, RoadClass.TERTIARY)
            and length > 90.0
            and stop < bus_stops
        ):
            items.append((PropKind.BUS_STOP, 0.6 * length))
        if lane.width_m >= 2.4 and length > 40.0 and bench < 0.3:
            items.append((PropKind.BENCH, 0.4 * length + 2.5))
        if lane.road >= RoadClass.RESIDENTIAL and lane.width_m >= 2.7 and length > 40.0 and 0.3 < bench < 0.4:
            items.append((PropKind.STALL, 0.5 * length))
        if length > 14.0 and lane.width_m >= 2.4 and stop > 0.75:
            items += [(PropKind.BOLLARD, s) for s in (0.8, 2.3, 3.8)]
        for kind, s in items:
            x, y, yaw = at(lane.line, s)
            rows.append((int(kind), x - np.sin(yaw) * out, y + np.cos(yaw) * out, yaw + np.pi / 2, lane.layer))
    if rows:
        spots = shapely.points([(row[1], row[2]) for row in rows])
        bad = set(tree.query(spots, predicate="intersects")[0].tolist())
        rows = [row for i, row in enumerate(rows) if i not in bad]
    rows += [(int(PropKind.PARKED_CAR), x, y, yaw, 0) for x, y, yaw in parked]
    pose = np.array([[row[1], row[2], row[3]] for row in rows]).reshape(-1, 3)
    pose[:, 2] = (pose[:, 2] + np.pi) % (2 * np.pi) - np.pi
    return {
        "prop_kind": np.array([row[0] for row in rows], np.uint8),
        "prop_pose": np.round(pose, 3),
        "prop_style": generator(seed, Purpose.STYLE, 3).integers(0, 2**31 - 1, len(rows)).astype(np.int32),
        "prop_layer": np.array([row[4] for row in rows], np.int8),
    }


def place_pickups(
    lanes: list[Lane], parked: list[tuple[float, float, float]], margin_m: float = PICKUP_MARGIN_M
) -> tuple[dict, tuple[str, ...]]:
    """Return the pick-up arrays and their names: kerbs on the right of named streets, clear of parked cars.

    margin_m: how far they stay away from junctions.
    """
    spots: list[tuple[str, int, float, float, float]] = []
    cars = shapely.STRtree(shapely.points([(x, y) for x, y, _ in parked]) if parked else np.array([], dtype=object))
    for numbers in by_edge(lanes).values():
        right = next((n for n in numbers if lanes[n].kind == LaneKind.DRIVE), None)
        if right is None or not lanes[right].street or lanes[right].layer != 0:
            continue
        lane = lanes[right]
        length = length_of(lane.line)
        if lane.road < RoadClass.SECONDARY or length < 2 * margin_m:
            continue
        for s in np.linspace(margin_m, length - margin_m, max(1, int((length - 2 * margin_m) / PICKUP_EVERY_M) + 1)):
            x, y, _ = at(lane.line, float(s))
            if not len(cars.query(shapely.Point(x, y), predicate="dwithin", distance=8.0)):
                spots.append((lane.street, right, float(s), x, y))
    names, counts = [], dict.fromkeys((spot[0] for spot in spots), 0)
    spots.sort(key=lambda spot: (spot[0], round(spot[3] + spot[4], 2), spot[1], spot[2]))
    for street, *_ in spots:
        counts[street] += 1
        number = 6 * counts[street] + counts[street] % 2
        names.append(f"{street} {number}" if street.isascii() else f"{street}{number}号")
    return {
        "pickup_lane": np.array([spot[1] for spot in spots], np.int32),
        "pickup_s_m": np.array([spot[2] for spot in spots], np.float64),
        "pickup_name": np.arange(len(spots), dtype=np.int32),
    }, tuple(names)
