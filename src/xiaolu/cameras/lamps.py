"""Who shines: lamps of users, of the ego, of signal heads and streets become glows to be seen and light that falls.

World frame, metres. Which lamps are on follows from the scene alone.
"""

from dataclasses import dataclass

import numpy as np

from xiaolu.cameras.signal_mesh import PITCH_M
from xiaolu.core.control import EGO_BODY
from xiaolu.core.scene import Scene
from xiaolu.core.users import Kind, Users
from xiaolu.world.town import PropKind, Town

# place: x, y, z and radius of what is seen; shine: rgb and the height of the ground below; facing: the level direction
# it shines, and how narrowly (0: all round). See shaders/glow.vert.
GLOW = np.dtype([("place", "f4", 4), ("shine", "f4", 4), ("facing", "f4", 4)])
# place: x, y, yaw, reach; shine: rgb of a pool of light, or the strength of a cone. See shaders/spill.vert.
SPILL = np.dtype([("place", "f4", 4), ("shine", "f4", 4)])
RUNNING = 8  # bit of a body's lights, beside the brake's and the indicators': it drives with lamps on

HEADLAMP = (1.0, 0.94, 0.80)
TAIL, BRAKE, INDICATOR = (0.62, 0.05, 0.03), (1.0, 0.09, 0.05), (1.0, 0.55, 0.10)
STREET = np.array([1.0, 0.84, 0.58])  # LED lamps of 3000 to 4000 K
SIGNAL = np.array([[1.0, 0.10, 0.07], [1.0, 0.70, 0.06], [0.10, 0.96, 0.52]])
POOL_M, POOL_STRENGTH = 19.0, 1.0  # a lamp 7 m up lights about three heights around; strength tuned by eye
BEAM_M, BEAM_STRENGTH, EGO_BEAM_STRENGTH = 42.0, 0.75, 1.5  # low beams reach some 40 to 60 m; strengths tuned by eye
STREET_HEAD_M, STREET_ARM_M = 7.02, 1.6  # as prop_mesh builds them
SEEN_M = 160.0

# Lamps' places as shares of length, half width and height: front x, y, z; rear x, y, z.
_LAMPS = {
    Kind.CAR: (0.49, 0.29, 0.425, -0.50, 0.30, 0.50),
    Kind.VAN: (0.50, 0.39, 0.345, -0.50, 0.34, 0.39),
    Kind.BUS: (0.50, 0.36, 0.205, -0.50, 0.37, 0.25),
    Kind.BICYCLE: (0.44, 0.0, 0.50, -0.36, 0.0, 0.365),
    Kind.E_BIKE: (0.325, 0.0, 0.52, -0.505, 0.0, 0.395),
}
_PLACE = np.array([_LAMPS.get(kind, (0.0,) * 6) for kind in Kind])
_POWER = np.zeros(len(Kind))  # of headlamps; bicycles go unlit
_POWER[[Kind.CAR, Kind.VAN, Kind.BUS, Kind.E_BIKE]] = 1.0, 1.0, 1.0, 0.45
_HAS_TAIL = np.zeros(len(Kind), bool)
_HAS_TAIL[[Kind.CAR, Kind.VAN, Kind.BUS, Kind.E_BIKE, Kind.BICYCLE]] = True


@dataclass(frozen=True, slots=True)
class Lamps:
    """All that shines around the ego: glows (n,) GLOW to be seen, spills (m,) SPILL that light other things."""

    glows: np.ndarray
    spills: np.ndarray


def running(users: Users) -> np.ndarray:
    """Return (n,) bool: who drives with lamps on. A parked car is on no lane."""
    return (_POWER[np.asarray(users.kind, int)] > 0.0) & (np.asarray(users.lane) >= 0)


def street_lamps(town: Town) -> np.ndarray:
    """Return (n, 3) the places of street lamps' glowing heads."""
    chosen = (town.prop_kind == PropKind.LAMP) & (town.prop_layer == 0)
    pose = np.asarray(town.prop_pose[chosen], np.float64)
    ahead = STREET_ARM_M * np.column_stack([np.cos(pose[:, 2]), np.sin(pose[:, 2])])
    return np.column_stack([pose[:, :2] + ahead, np.full(len(pose), STREET_HEAD_M)])


def lamps_of(scene: Scene, streets: np.ndarray, head_place: np.ndarray, shown: np.ndarray) -> Lamps:
    """Return what shines. streets (k, 3) places of street lamps; heads' place (h, 4) and shown lamp (h,), 0 none."""
    middle = scene.ego_pose[:2]

    def near(place: np.ndarray, reach_m: float) -> np.ndarray:
        offset = place[:, :2] - middle
        return (offset * offset).sum(-1) < reach_m * reach_m

    users = scene.users[np.flatnonzero(scene.users.active & near(_xy(scene.users), SEEN_M))]
    streets = streets[near(streets, SEEN_M)]
    glows = [*_of_users(users, scene), _of_streets(streets, scene), _of_heads(head_place, shown, scene)]
    return Lamps(np.concatenate(glows), np.concatenate([_pools(streets), _beams(users), _ego_beam(scene)]))


def _xy(users: Users) -> np.ndarray:
    return np.stack([users.x_m, users.y_m], -1)


def _glows(place: np.ndarray, radius_m, colour, ground_m, facing=None, narrow: float = 0.0) -> np.ndarray:
    out = np.zeros(len(place), GLOW)
    out["place"][:, :3], out["place"][:, 3] = place, radius_m
    out["shine"][:, :3], out["shine"][:, 3] = colour, ground_m
    if facing is not None:
        out["facing"][:, :2], out["facing"][:, 3] = facing, narrow
    return out


def _of_users(users: Users, scene: Scene) -> list[np.ndarray]:
    kind = np.asarray(users.kind, int)
    lights = np.asarray(users.lights, int)
    on = running(users)
    blinks = scene.stamp_ns // 1_000_000_000 * 1.5 + (scene.stamp_ns % 1_000_000_000) * 1.5e-9
    lit_half = blinks % 1.0 < 0.5  # as shaders/rigid.vert
    cos, sin = np.cos(users.yaw_rad), np.sin(users.yaw_rad)
    ahead = np.stack([cos, sin], -1)
    share = _PLACE[kind]
    half_y = share[:, [1, 4]] * users.width_m[:, None]
    height = np.where(kind >= Kind.BICYCLE, 1.7, users.height_m)

    def at(which: np.ndarray, end: int, side: float) -> np.ndarray:
        x = share[which, 3 * end] * users.length_m[which]
        y = side * half_y[which, end]
        z = users.z_m[which] + share[which, 3 * end + 2] * height[which]
        place = _xy(users)[which] + ahead[which] * x[:, None]
        return np.column_stack([place[:, 0] - sin[which] * y, place[:, 1] + cos[which] * y, z])

    out = []
    single = (kind == Kind.E_BIKE) | (kind == Kind.BICYCLE)
    tails = on & _HAS_TAIL[kind]
    brakes = ((lights & 1) != 0) & _HAS_TAIL[kind]
    for side in (1.0, -1.0):
        paired = ~single if side < 0 else np.ones(len(kind), bool)
        which = np.flatnonzero(on & paired)
        power = _POWER[kind[which], None]
        out.append(
            _glows(at(which, 0, side), 0.75 * power[:, 0], power * HEADLAMP, users.z_m[which], ahead[which], 2.5)
        )
        which = np.flatnonzero((tails | brakes) & paired)
        braking = brakes[which, None]
        radius = np.where(brakes[which], 0.62, 0.34)
        out.append(
            _glows(at(which, 1, side), radius, np.where(braking, BRAKE, TAIL), users.z_m[which], -ahead[which], 1.0)
        )
        which = np.flatnonzero((lights & (2 if side > 0 else 4) != 0) & (kind <= Kind.BUS) & lit_half)
        for end, facing in ((0, ahead), (1, -ahead)):
            out.append(_glows(at(which, end, side * 1.35), 0.45, INDICATOR, users.z_m[which], facing[which], 0.6))
    return out


def _of_streets(streets: np.ndarray, scene: Scene) -> np.ndarray:
    return _glows(streets, 0.85, 0.80 * STREET, scene.ego_z_m)


def _of_heads(place: np.ndarray, shown: np.ndarray, scene: Scene) -> np.ndarray:
    on = np.flatnonzero(shown > 0)
    yaw = place[on, 3]
    facing = np.stack([np.cos(yaw), np.sin(yaw)], -1)
    lamp = shown[on].astype(int) - 1
    lens = np.column_stack([place[on, :2] + 0.1 * facing, place[on, 2] + PITCH_M * (1 - lamp)])
    # Wide and faint: a halo, through which an arrow can still be read.
    return _glows(lens, 1.3, 0.13 * SIGNAL[lamp], scene.ego_z_m, facing, 1.5)


def _pools(streets: np.ndarray) -> np.ndarray:
    out = np.zeros(len(streets), SPILL)
    out["place"][:, :2], out["place"][:, 3] = streets[:, :2], POOL_M
    out["shine"][:, :3] = POOL_STRENGTH * STREET
    return out


def _beams(users: Users) -> np.ndarray:
    which = np.flatnonzero(running(users))
    out = np.zeros(len(which), SPILL)
    ahead = np.stack([np.cos(users.yaw_rad), np.sin(users.yaw_rad)], -1)[which]
    out["place"][:, :2] = _xy(users)[which] + ahead * (0.45 * users.length_m[which])[:, None]
    out["place"][:, 2], out["place"][:, 3] = users.yaw_rad[which], BEAM_M
    out["shine"][:, 3] = BEAM_STRENGTH * _POWER[np.asarray(users.kind, int)[which]]
    return out


def _ego_beam(scene: Scene) -> np.ndarray:
    x, y, yaw = (float(v) for v in scene.ego_pose)
    front_m = EGO_BODY.centre_x_m + 0.45 * EGO_BODY.length_m
    out = np.zeros(1, SPILL)
    out["place"] = [[x + np.cos(yaw) * front_m, y + np.sin(yaw) * front_m, yaw, 1.4 * BEAM_M]]
    out["shine"][:, 3] = EGO_BEAM_STRENGTH
    return out


def ego_glows(scene: Scene) -> np.ndarray:
    """Return (n,) GLOW of the ego's tail lamps, for cameras that look at it from outside."""
    x, y, yaw = (float(v) for v in scene.ego_pose)
    cos, sin = np.cos(yaw), np.sin(yaw)
    rear_m, half_m = EGO_BODY.centre_x_m - EGO_BODY.length_m / 2, 0.30 * EGO_BODY.width_m
    sides = np.array([half_m, -half_m])
    place = np.column_stack(
        [x + cos * rear_m - sin * sides, y + sin * rear_m + cos * sides, np.full(2, scene.ego_z_m + 0.82)]
    )
    braking = scene.ego_acceleration_mps2 < -0.3
    colour, radius_m = (BRAKE, 0.62) if braking else (TAIL, 0.34)
    return _glows(place, radius_m, colour, scene.ego_z_m, np.array([-cos, -sin]), 1.0)
