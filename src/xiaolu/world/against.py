"""Against the flow: ways along which some riders come towards the traffic of a lane, close to its kerb.

Of every kerb-side lane wide enough for it, its line backwards; where it leads is where the lane comes from.
"""

import numpy as np

from xiaolu.world.town import LaneKind, RoadClass, Town

FITS_M = 3.0  # a lane narrower than this has no room for a rider who comes towards its cars
KERB_M = 0.65  # from a lane's edge to the rider
ONTO_KERB_M = 0.8  # riders get out of the way of what is wide
LOOK_MPS = 4.0  # they enter junctions no faster


def lanes_against(town: Town) -> np.ndarray:
    """Return the lanes (K,) along which riders come the wrong way: of cars at the kerb, and those of cycles.

    A lane of cars counts where no other of its edge lies to its right, and where no other direction shares it; a lane
    of a junction where it joins two such. From each of them such a lane leads on, or it begins where the town ends:
    nobody comes to an end in the road.
    """
    drive = (town.lane_kind == LaneKind.DRIVE) & (town.lane_width_m >= FITS_M) & (town.lane_twin < 0)
    drive &= town.lane_class >= RoadClass.SECONDARY
    ordinary = town.lane_junction < 0
    drive &= ~ordinary | (town.lane_right < 0)
    cycle = town.lane_kind == LaneKind.CYCLE
    chosen = (drive | cycle) & ordinary
    for lane in np.flatnonzero((drive | cycle) & ~ordinary):
        after = town.following(int(lane))
        chosen[lane] = len(after) > 0 and bool(((drive | cycle) & ordinary)[after].all())
    owner = np.repeat(np.arange(town.lanes), np.diff(town.next_start))
    begins = ~np.isin(np.arange(town.lanes), town.next_lane)
    while True:
        leads_on = begins.copy()
        leads_on[town.next_lane[chosen[owner]]] = True
        if not (chosen & ~leads_on).any():
            return np.flatnonzero(chosen)
        chosen &= leads_on


def turned_round(town: Town, way: np.ndarray, base: int) -> tuple[np.ndarray, list[np.ndarray], list[list[int]]]:
    """Return the ways (K,) of WAY of `lanes_against`, their points (n, 3) each, and where each leads.

    way (W,): the town's ways so far; base: the index that the first of the new ones gets.
    """
    lanes = lanes_against(town)
    number = {int(lane): base + n for n, lane in enumerate(lanes)}
    rows = way[lanes].copy()
    right, left = rows["left_room"].copy(), rows["right_room"].copy()
    car = rows["kind"] == LaneKind.DRIVE
    rows["left_room"], rows["right_room"] = left + np.where(car, ONTO_KERB_M, 0.0), right
    rows["keep_right"] = np.where(car, left - KERB_M, 0.0)
    rows["kind"], rows["back"], rows["red_right"], rows["shared"] = LaneKind.CYCLE, True, False, False
    rows["look"] = np.where(rows["junction"] >= 0, LOOK_MPS, np.inf)
    rows["turn"], rows["wait_s"], rows["over"] = 0, np.inf, 0.0
    came: dict[int, list[int]] = {int(lane): [] for lane in lanes}
    for lane in lanes:
        for onward in town.following(int(lane)):
            if int(onward) in came:
                came[int(onward)].append(number[int(lane)])
    return rows, [town.line(int(lane))[::-1] for lane in lanes], [came[int(lane)] for lane in lanes]
