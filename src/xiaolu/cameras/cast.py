"""Everything that moves in a scene, as tables of instances: who is drawn with which body, where, in which colours."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from xiaolu.cameras.classes import PixelClass
from xiaolu.cameras.lamps import RUNNING, running
from xiaolu.cameras.light import Light
from xiaolu.cameras.object_mesh import PAINT as THING_PAINT
from xiaolu.cameras.object_mesh import SECOND as THING_SECOND
from xiaolu.cameras.person_mesh import limbs_of_people, person_label
from xiaolu.cameras.road_mesh import KERB_M
from xiaolu.cameras.vehicle_mesh import BIKE_PAINTS, BUS_PAINTS, PAINTS, VAN_PAINTS, Body
from xiaolu.cameras.wardrobe import TOPS
from xiaolu.core.chance import Purpose, uniform
from xiaolu.core.control import EGO_BODY, Indicator
from xiaolu.core.scene import Scene
from xiaolu.core.users import ON_FOOT, Kind, Thing, Users
from xiaolu.world.town import LaneKind, Town

RIGID = np.dtype([("place", "f4", 4), ("size", "f4", 4), ("paint", "u1", 4), ("second", "u1", 4), ("label", "u4")])
SHADOW = np.dtype([("place", "f4", 4), ("size", "f4", 4)])
SEASON_DRAW = 1000  # of Purpose.WEATHER: how warmly people are dressed in a ride
EGO_PAINT = np.array([0.16, 0.62, 0.60])
_WHEELED = {
    Kind.CAR: Body.SEDAN,
    Kind.VAN: Body.VAN,
    Kind.BUS: Body.BUS,
    Kind.BICYCLE: Body.BICYCLE,
    Kind.E_BIKE: Body.E_BIKE,
}
_WALKS = np.isin(np.arange(len(Kind)), ON_FOOT)
_BODY = np.array([_WHEELED.get(kind, -1) for kind in Kind])
_THING_BODY = np.array([Body.CONE, Body.BARRIER, Body.BOX, Body.CAR_DOOR, Body.GATE_ARM])


@dataclass(frozen=True, slots=True)
class Cast:
    """n users that are there. ball (n, 4): middle and radius of a ball around each; rigid (n,) RIGID and body (n,)
    Body, -1 for people on foot; limbs (m,) LIMB, of whom (m,) in limb_of; shadow (n,) SHADOW."""

    ball: np.ndarray
    rigid: np.ndarray
    body: np.ndarray
    limbs: np.ndarray
    limb_of: np.ndarray
    shadow: np.ndarray


def lifted(town: Town, users: Users) -> np.ndarray:
    """Return (n,) metres to add to users' z: who walks on a sidewalk stands on the kerb, not on the road beside it."""
    lane = np.asarray(users.lane)
    kind = np.where(lane >= 0, town.lane_kind[np.maximum(lane, 0)], LaneKind.DRIVE)
    return np.where(_WALKS[users.kind] & ((kind == LaneKind.FOOT) | (kind == LaneKind.FOOT_AREA)), KERB_M, 0.0)


def _bodies(kind: np.ndarray, style: np.ndarray) -> np.ndarray:
    body = _BODY[kind]
    body = np.where((kind == Kind.CAR) & (style % 3 == 1), Body.TALL_CAR, body)
    return np.where(kind == Kind.OBJECT, _THING_BODY[style % len(_THING_BODY)], body)


def _paint(kind: np.ndarray, style: np.ndarray) -> np.ndarray:
    paint = PAINTS[(style * 7 + style // 3) % len(PAINTS)]
    for of, palette in ((Kind.VAN, VAN_PAINTS), (Kind.BUS, BUS_PAINTS)):
        paint = np.where((kind == of)[:, None], palette[style % len(palette)], paint)
    bike = (kind == Kind.BICYCLE) | (kind == Kind.E_BIKE)
    return np.where(bike[:, None], BIKE_PAINTS[style % len(BIKE_PAINTS)], paint)


@lru_cache(maxsize=64)
def warmth_of(seed: int) -> float:
    """Return how warm the season of a ride is, 0 winter to 1 summer: people dress for it."""
    return float(uniform(seed, 0, 0, Purpose.WEATHER, SEASON_DRAW)[0])


def _dress_things(rigid: np.ndarray, group: np.ndarray, users: Users, kind: np.ndarray, style: np.ndarray) -> None:
    """Give things their colours and class; a car's door has the paint of the car it is on."""
    thing = np.flatnonzero(kind == Kind.OBJECT)
    if not len(thing):
        return
    which = style[thing] % len(_THING_BODY)
    rigid["paint"][thing, :3], rigid["second"][thing, :3] = THING_PAINT[which] * 255, THING_SECOND[which] * 255
    group[thing] = PixelClass.OBSTACLE
    cars = np.flatnonzero(kind <= Kind.VAN)
    for door in thing[which == Thing.CAR_DOOR]:
        group[door] = PixelClass.VEHICLE
        if len(cars):
            away = np.hypot(users.x_m[cars] - users.x_m[door], users.y_m[cars] - users.y_m[door])
            rigid["paint"][door] = rigid["paint"][cars[np.argmin(away)]]


def cast_of(town: Town, scene: Scene, light: Light) -> Cast:
    """Return the instances of a scene's active users, less props of the town; labels carry their slot."""
    of_the_town = (scene.users.kind == Kind.OBJECT) & (scene.users.style == Thing.PROP)
    slot = np.flatnonzero(scene.users.active & ~of_the_town)
    users = scene.users[slot]
    kind, style = np.asarray(users.kind).astype(int), np.abs(np.asarray(users.style, np.int64))
    body = _bodies(kind, style)
    lift = lifted(town, users)
    z = users.z_m + lift
    count = len(slot)

    rigid = np.zeros(count, RIGID)
    rigid["place"] = np.stack([users.x_m, users.y_m, z, users.yaw_rad], -1).reshape(count, 4)
    bike = (kind == Kind.BICYCLE) | (kind == Kind.E_BIKE)
    height = np.where(bike, 1.7, users.height_m)  # a rider's height is no part of the frame's
    lights = np.asarray(users.lights, np.int64)
    if light.lamps > 0.0:
        lights = lights | np.where(running(users), RUNNING, 0)
    rigid["size"] = np.stack([users.length_m, users.width_m, height, lights], -1).reshape(count, 4)
    rigid["paint"][:, :3] = _paint(kind, style) * 255
    rigid["second"][:, :3] = TOPS[style % len(TOPS)] * 255
    group = np.where(bike, PixelClass.TWO_WHEELER, PixelClass.VEHICLE)
    _dress_things(rigid, group, users, kind, style)
    group = group.astype(np.uint32)
    rigid["label"] = group | ((slot + 1).astype(np.uint32) << np.uint32(8))

    is_person = bike | _WALKS[kind]
    people = np.flatnonzero(is_person)
    labels = person_label(slot[people], False), person_label(slot[people], True)
    driver = float(scene.ego_pose[0]), float(scene.ego_pose[1])
    limbs, owner = limbs_of_people(users[people], *labels, lift[people], driver, warmth_of(scene.seed))

    ball = np.stack(
        [users.x_m, users.y_m, z + users.height_m / 2, np.hypot(users.length_m, users.height_m) / 2 + 0.8], -1
    )
    shadow = _shadows(rigid, ~is_person, users, z, light)
    return Cast(ball.reshape(count, 4), rigid, body, limbs, people[owner], shadow)


def _shadows(rigid: np.ndarray, is_wide: np.ndarray, users: Users, z: np.ndarray, light: Light) -> np.ndarray:
    """Return a dark patch below each user: the outline, moved away from the sun; for people a streak from the feet."""
    shadow = np.zeros(len(rigid), SHADOW)
    slant = 0.0
    if light.sun[2] > 0.05:
        slant = min(float(np.hypot(*light.sun[:2]) / light.sun[2]), light.slant) * (1.0 - light.cloud)
    away = -light.sun[:2] / max(float(np.hypot(*light.sun[:2])), 1e-6)
    streak_m = 0.45 * slant * users.height_m
    move_m = np.where(is_wide, np.minimum(0.3 * slant * users.height_m, 0.6), streak_m)
    shadow["place"][:, 0] = users.x_m + away[0] * move_m
    shadow["place"][:, 1] = users.y_m + away[1] * move_m
    shadow["place"][:, 2] = z + 0.035
    shadow["place"][:, 3] = np.where(is_wide, users.yaw_rad, np.arctan2(away[1], away[0]))
    shadow["size"][:, 0] = np.where(is_wide, users.length_m / 2, streak_m + 0.16)
    shadow["size"][:, 1] = np.where(is_wide, users.width_m / 2, 0.20)
    shadow["size"][:, 2] = np.where(is_wide, 0.30, 0.16)
    shadow["size"][:, 3] = np.where(is_wide, 1.25, 0.95)
    if light.shadows > 0.0:
        _stretch(shadow, users, away, slant, np.flatnonzero(is_wide))
    return shadow


def _stretch(shadow: np.ndarray, users: Users, away: np.ndarray, slant: float, wide: np.ndarray) -> None:
    """Give wide users the shadow of a low sun: as broad as they are seen from it, as long as they are tall."""
    turn = users.yaw_rad[wide] - np.arctan2(away[1], away[0])
    cos, sin = np.abs(np.cos(turn)), np.abs(np.sin(turn))
    length, width = users.length_m[wide], users.width_m[wide]
    half_m = 0.5 * 0.85 * slant * users.height_m[wide]
    shadow["place"][wide, 0] = users.x_m[wide] + away[0] * half_m
    shadow["place"][wide, 1] = users.y_m[wide] + away[1] * half_m
    shadow["place"][wide, 3] = np.arctan2(away[1], away[0])
    shadow["size"][wide, 0] = half_m + 0.5 * (cos * length + sin * width)
    shadow["size"][wide, 1] = 0.5 * (sin * length + cos * width)
    shadow["size"][wide, 3] = 1.0


def with_ego(cast: Cast, scene: Scene) -> Cast:
    """Return the cast with the ego's own body added, for cameras that look at it from outside."""
    x, y, yaw = (float(v) for v in scene.ego_pose)
    x, y = x + EGO_BODY.centre_x_m * np.cos(yaw), y + EGO_BODY.centre_x_m * np.sin(yaw)
    lights = {Indicator.LEFT: 2, Indicator.RIGHT: 4, Indicator.HAZARD: 6}.get(Indicator(scene.ego_indicator), 0)
    lights |= int(scene.ego_acceleration_mps2 < -0.3) | (RUNNING if scene.conditions.lamps else 0)
    rigid = np.zeros(1, RIGID)
    rigid["place"] = [[x, y, scene.ego_z_m, yaw]]
    rigid["size"] = [[EGO_BODY.length_m, EGO_BODY.width_m, EGO_BODY.height_m, lights]]
    rigid["paint"][:, :3] = EGO_PAINT * 255
    rigid["label"] = PixelClass.VEHICLE
    shadow = np.zeros(1, SHADOW)
    shadow["place"] = [[x, y, scene.ego_z_m + 0.035, yaw]]
    shadow["size"] = [[EGO_BODY.length_m / 2, EGO_BODY.width_m / 2, 0.3, 1.25]]
    return Cast(
        np.concatenate([cast.ball, [[x, y, scene.ego_z_m + 0.8, 4.0]]]),
        np.concatenate([cast.rigid, rigid]),
        np.append(cast.body, Body.TALL_CAR),
        cast.limbs,
        cast.limb_of,
        np.concatenate([cast.shadow, shadow]),
    )
