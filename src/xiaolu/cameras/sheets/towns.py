"""The sheet of a town family: four maps, and below each two views from the street, with who was there.

Where the views are from follows from the town: places where most is to be seen ahead of what is rare in it.
"""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from xiaolu.cameras.renderer import Renderer
from xiaolu.cameras.sheets.paper import beside, stacked
from xiaolu.core.camera import pinhole
from xiaolu.core.conditions import SUN
from xiaolu.core.control import EgoMotion
from xiaolu.core.rates import SUBSTEPS
from xiaolu.world.show import sheet as maps_of
from xiaolu.world.state import WorldState
from xiaolu.world.town import LaneKind, PropKind, Town
from xiaolu.world.world import World

VIEWS, WIDE_PX, HIGH_PX = 2, 400, 240
CAMERA = pinhole("sheet", WIDE_PX, HIGH_PX, 0.55 * WIDE_PX, (4.0, 0.0, 1.5, 0.0, 0.05))
STEP_M = 8.0  # between places that are looked at
NEAR_M, FAR_M, ASIDE_M = 5.0, 38.0, 11.0  # what counts as seen from one
APART_M = 60.0  # between the views of a town
SEED, WAIT_TICKS, WAIT_EVERY = 800_021, 300, 10  # the ego stands so long, and the fullest moment is taken


def sights_of(town: Town) -> tuple[np.ndarray, np.ndarray]:
    """Return (what (n,), where (n, 2)) of all that makes a place worth a look: things, lanes of some kind, lines."""
    what, where = [], []

    def add(kind: int, points: np.ndarray) -> None:
        points = np.asarray(points, np.float64).reshape(-1, 2)
        what.append(np.full(len(points), kind))
        where.append(points)

    for kind in PropKind:
        add(int(kind), town.prop_pose[town.prop_kind == kind, :2])
    add(100, town.bay_pose[:, :2])
    add(101, town.head_pose[~np.asarray(town.head_walk, bool), :2] if len(town.head_pose) else np.empty((0, 2)))
    lanes = {
        102: town.lane_kind == LaneKind.CYCLE,
        103: town.lane_kind == LaneKind.CROSSING,
        104: np.asarray(town.lane_walked, bool),
        105: np.asarray(town.lane_private, bool),
        106: np.isfinite(town.waiting_s_m),
        107: (town.lane_kind == LaneKind.DRIVE) & (town.lane_twin >= 0),
    }
    middle = [(town.point_start[lane] + town.point_start[lane + 1]) // 2 for lane in range(town.lanes)]
    for number, chosen in lanes.items():
        add(number, town.points[np.array(middle, int)[chosen], :2])
    return np.concatenate(what), np.concatenate(where)


def places_of(town: Town, count: int = VIEWS) -> list[np.ndarray]:
    """Return places (4,) x, y, yaw, z on driven lanes: what is seen ahead of each counts by how rare it is."""
    what, where = sights_of(town)
    kinds = np.unique(what)
    places, seen = [], []
    for lane in np.flatnonzero((town.lane_kind == LaneKind.DRIVE) & (town.lane_junction < 0)):
        for s_m in np.arange(2.0, float(town.lane_length_m[lane]) - 15.0, STEP_M):
            x, y, z, yaw = town.pose_at(int(lane), float(s_m))
            d = where - [x, y]
            ahead, left = d @ [np.cos(yaw), np.sin(yaw)], d @ [-np.sin(yaw), np.cos(yaw)]
            near = (ahead > NEAR_M) & (ahead < FAR_M) & (np.abs(left) < ASIDE_M)
            places.append(np.array([x, y, yaw, z]))
            seen.append(np.bincount(np.searchsorted(kinds, what[near]), minlength=len(kinds)))
    table = np.sqrt(np.array(seen, float))  # of more of the same each counts less
    rare = -np.log(np.maximum((table > 0).mean(axis=0), 1e-6))
    chosen: list[int] = []
    worth = rare.copy()
    for _ in range(count):
        score = table @ worth
        for one in chosen:
            score[[np.hypot(*(p[:2] - places[one][:2])) < APART_M for p in places]] = -np.inf
        chosen.append(int(score.argmax()))
        worth = np.where(table[chosen].any(axis=0), 0.3 * rare, rare)  # the next shows what these did not
    return [places[one] for one in chosen]


def _stays(state: WorldState) -> EgoMotion:
    ego = state.ego
    pose = np.stack([ego.x_m, ego.y_m, ego.yaw_rad], axis=-1)[:, None].repeat(SUBSTEPS + 1, axis=1)
    zero = np.zeros(state.branches)
    return EgoMotion(pose, zero, zero, zero, zero, zero.astype(np.int8))


def _ahead(state: WorldState) -> float:
    """Return how much goes on ahead of the ego: users that move, each the more the nearer it is."""
    users, ego = state.users[0], state.ego
    dx, dy = users.x_m - ego.x_m[0], users.y_m - ego.y_m[0]
    cos, sin = np.cos(ego.yaw_rad[0]), np.sin(ego.yaw_rad[0])
    ahead, left = dx * cos + dy * sin, -dx * sin + dy * cos
    there = users.active & ~state.minds.parked[0] & (ahead > 7.0) & (ahead < 45.0) & (np.abs(left) < 0.6 * ahead)
    return float((1.0 / np.maximum(ahead[there], 12.0)).sum())


def view_from(renderer: Renderer, world: World, place: np.ndarray) -> Image.Image:
    """Return the view from a place (4,) at the fullest moment of half a minute."""
    state = world.start(SEED, place[:3])
    best, most = state, -1.0
    for tick in range(WAIT_TICKS + 1):
        if tick % WAIT_EVERY == 0 and _ahead(state) > most:
            best, most = state, _ahead(state)
        state = world.step(state, _stays(state))
    scene = world.scene(best, 0, 0, np.zeros(1, np.int32), 0.0, SUN)
    return Image.fromarray(renderer.view(scene, CAMERA))


def towns_sheet(towns: Sequence[Town]) -> Image.Image:
    """Return the sheet: a map of each town, and views from its streets below it."""
    picture = io.BytesIO()
    maps_of(towns, picture, columns=len(towns))
    drawn = Image.open(picture).convert("RGB")
    wide = len(towns) * WIDE_PX + 4 * (len(towns) - 1)
    rows = [drawn.resize((wide, round(drawn.height * wide / drawn.width)), Image.Resampling.LANCZOS)]
    views = []
    for town in towns:
        with Renderer(town) as renderer:
            world = World(town)
            views.append([view_from(renderer, world, place) for place in places_of(town)])
    rows += [beside([of_town[n] for of_town in views]) for n in range(VIEWS)]
    return stacked(rows)
