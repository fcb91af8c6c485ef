"""What a real camera adds to a perfect picture: exposure, blur, falling drops, water on the glass, noise, lost frames.

In goes a picture (H, W, 3) uint8 with where and when it was taken, out comes what the sensor delivers. Everything
follows from (seed, tick, camera): the same moment gives the same bytes, in any process. Strengths were tuned by eye.
"""

import zlib
from dataclasses import dataclass

import numpy as np
from numba import njit

from xiaolu.cameras.light import Light
from xiaolu.core.camera import CameraModel
from xiaolu.core.chance import Purpose
from xiaolu.core.conditions import Conditions
from xiaolu.core.rates import TICK_NS
from xiaolu.core.scene import Scene
from xiaolu.world.draws import draw as drawn

TARGET = 104.0  # mean level that the metering aims at, of 255
FLATTEN = 0.55  # exponent: the metering makes up for about half of what is missing, as night should look like night
GAIN_LOW, GAIN_HIGH = 0.55, 2.0
EXPOSURE_S = 1.0 / 60.0  # at blur 0.5
CLOSEST_M, FARTHEST_M = 2.5, 60.0  # depths taken for motion blur where the ground is nearer, or nowhere in sight
SIGHT_UP_M = 1.4  # height of the cameras over the ground, for the depth of the ground
READ_NOISE, SHOT_NOISE = 3.0, 0.9  # of 255, at noise 1: alone, and times the root of the level
DROP_LIFE_TICKS = 45
DROPS_PER_MPX = 900.0  # at lens_drops 1
STREAKS_PER_MPX = 5200.0  # at streaks 1
STREAK_M, FALL_MPS = 0.16, 8.0  # rain falls at 8 m/s (drops of 3 mm: Gunn and Kinzer 1949), seen for a 1/50 s
DROPPED, DROP_SEED = 0, 1  # draws of Purpose.CAMERA


@dataclass(frozen=True, slots=True)
class Exposure:
    """One picture being taken: key (uint32) of all its chance, and how the camera moves.

    velocity_mps, turn_radps (3,): in the camera's frame.
    """

    key: np.uint32
    life_key: np.uint32
    tick: int
    velocity_mps: np.ndarray
    turn_radps: np.ndarray


def lost(scene: Scene, name: str) -> bool:
    """Return whether the frame that a camera takes of this moment never arrives."""
    share = scene.conditions.frame_drop
    if share == 0.0:
        return False
    tick = scene.stamp_ns // TICK_NS
    return bool(drawn(scene.seed, _camera_key(name), tick, int(Purpose.CAMERA), DROPPED) < share)


def is_perfect(conditions: Conditions) -> bool:
    """Return whether a picture passes the camera unchanged."""
    c = conditions
    return not (c.metering or c.noise or c.blur or c.lens_drops or c.streaks)


def taken(image: np.ndarray, camera: CameraModel, scene: Scene, light: Light) -> np.ndarray:
    """Return (H, W, 3) uint8, read-only: the picture as the camera delivers it."""
    conditions = scene.conditions
    if is_perfect(conditions):
        return image
    exposure = _exposure_of(camera, scene)
    work = image.astype(np.float32)
    if conditions.streaks > 0.0:
        _rain(work, exposure, camera, conditions.streaks, light)
    if conditions.blur > 0.0:
        work = _moved(work, camera, exposure, conditions.blur)
    if conditions.lens_drops > 0.0:
        work = _wet_glass(work, exposure, camera, conditions.lens_drops)
    gain = _gain(work, conditions.metering)
    out = np.empty(image.shape, np.uint8)
    _read_out(work, np.float32(gain), np.float32(conditions.noise), exposure.key, out)
    out.flags.writeable = False
    return out


def _camera_key(name: str) -> int:
    return zlib.crc32(name.encode())


def _exposure_of(camera: CameraModel, scene: Scene) -> Exposure:
    tick = int(scene.stamp_ns // TICK_NS)
    name = _camera_key(camera.name)
    draws = (drawn(scene.seed, name, at, int(Purpose.CAMERA), DROP_SEED) for at in (tick, -1))
    key, life_key = (np.uint32(int(d * 2**32)) for d in draws)
    turn = camera.ego_from_camera[:3, :3]
    arm = camera.ego_from_camera[:3, 3]
    yaw_rate = scene.ego_yaw_rate_radps
    velocity = np.array([scene.ego_speed_mps - yaw_rate * arm[1], yaw_rate * arm[0], 0.0])
    return Exposure(key, life_key, tick, turn.T @ velocity, turn.T @ np.array([0.0, 0.0, yaw_rate]))


def _gain(work: np.ndarray, metering: float) -> float:
    """Return what the levels are multiplied by: the exposure that the picture's own brightness calls for."""
    if metering == 0.0:
        return 1.0
    part = work[1::3, 1::3]
    mean = float(np.minimum(part, 235.0).mean(dtype=np.float64))
    gain = (TARGET / max(mean, 4.0)) ** FLATTEN
    return 1.0 + metering * (min(max(gain, GAIN_LOW), GAIN_HIGH) - 1.0)


@njit(cache=True)
def _hash(x):
    """Return a well mixed uint32 of a uint32 (the finaliser of MurmurHash3, Appleby 2008)."""
    x = np.uint32(x)
    x ^= x >> np.uint32(16)
    x = np.uint32(x * np.uint32(0x85EBCA6B))
    x ^= x >> np.uint32(13)
    x = np.uint32(x * np.uint32(0xC2B2AE35))
    x ^= x >> np.uint32(16)
    return x


@njit(cache=True)
def _unit(x):
    return np.float64(_hash(x)) * 2.0**-32


@njit(cache=True)
def _read_out(work, gain, noise, key, out):
    height, width = work.shape[0], work.shape[1]
    read = np.float32(READ_NOISE) * noise * gain
    shot = np.float32(SHOT_NOISE) * noise * np.sqrt(gain)
    spread = np.float32(1.0 / 104.5)  # two bytes of even chance spread by 104.5 around 255
    low, high = np.float32(0.0), np.float32(255.0)
    for v in range(height):
        for u in range(width):
            # SplitMix64 (see core.chance) of the pixel's own counter: two bytes for each colour.
            bits = (np.uint64(key) << np.uint64(32)) + np.uint64(v * width + u) * np.uint64(0x9E3779B97F4A7C15)
            bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            bits ^= bits >> np.uint64(31)
            for c in range(3):
                level = min(max(work[v, u, c] * gain, low), high)
                two = np.float32((bits & np.uint64(255)) + ((bits >> np.uint64(8)) & np.uint64(255))) - high
                bits >>= np.uint64(16)
                level += two * spread * (read + shot * np.sqrt(level))
                out[v, u, c] = np.uint8(min(max(level + np.float32(0.5), low), high))


@njit(cache=True)
def _smear(work, focal, cu, cv, ground, velocity, turn, seconds, out):
    """Average each pixel along the way it moved while the shutter was open."""
    height, width = work.shape[0], work.shape[1]
    steps, quarter = 4, np.float32(0.25)
    nearness = 1.0 / (SIGHT_UP_M * focal)
    per_focal = 1.0 / focal
    for v in range(height):
        y = v + 0.5 - cv
        down_here = ground[1] * y + ground[2] * focal
        moved_v = -focal * velocity[1] + y * velocity[2]
        turned_u, turned_v = turn[2] * y - turn[1] * focal, turn[0] * (focal + y * y * per_focal)
        for u in range(width):
            x = u + 0.5 - cu
            # The ground's depth along this ray; what stands up is no nearer than the ground at its foot.
            per_depth = min(max((ground[0] * x + down_here) * nearness, 1.0 / FARTHEST_M), 1.0 / CLOSEST_M)
            du = (-focal * velocity[0] + x * velocity[2]) * per_depth
            dv = moved_v * per_depth
            du += x * (turn[0] * y - turn[1] * x) * per_focal + turned_u
            dv += turned_v - x * (turn[1] * y * per_focal + turn[2])
            du *= seconds
            dv *= seconds
            size = max(abs(du), abs(dv))
            if size < 0.5:
                for c in range(3):
                    out[v, u, c] = work[v, u, c]
                continue
            if size > 6.0:
                du *= 6.0 / size
                dv *= 6.0 / size
            red = green = blue = np.float32(0.0)
            for k in range(steps):
                share = (k + 0.5) / steps - 0.5
                a = min(max(int(u + 0.5 + du * share), 0), width - 1)
                b = min(max(int(v + 0.5 + dv * share), 0), height - 1)
                red += work[b, a, 0]
                green += work[b, a, 1]
                blue += work[b, a, 2]
            out[v, u, 0], out[v, u, 1], out[v, u, 2] = red * quarter, green * quarter, blue * quarter


@njit(cache=True)
def _softened(work, soft, row, out):
    """Mix each pixel with its four neighbours' mean by twice `soft` in both directions, one after the other."""
    height, width = work.shape[0], work.shape[1]
    side = np.float32(soft)
    middle = np.float32(1.0 - 2.0 * soft)
    for v in range(height):
        above, below = max(v - 1, 0), min(v + 1, height - 1)
        for u in range(width):
            for c in range(3):
                row[u, c] = middle * work[v, u, c] + side * (work[above, u, c] + work[below, u, c])
        for u in range(width):
            left, right = max(u - 1, 0), min(u + 1, width - 1)
            for c in range(3):
                out[v, u, c] = middle * row[u, c] + side * (row[left, c] + row[right, c])


def _moved(work: np.ndarray, camera: CameraModel, exposure: Exposure, blur: float) -> np.ndarray:
    k = camera.intrinsics
    out = np.empty_like(work)
    ground = -camera.ego_from_camera[2, :3]  # the ego's downward direction in the camera's frame
    _smear(
        work,
        float(k[0, 0]),
        float(k[0, 2]),
        float(k[1, 2]),
        np.ascontiguousarray(ground),
        exposure.velocity_mps,
        exposure.turn_radps,
        2.0 * blur * EXPOSURE_S,
        out,
    )
    softer = np.empty_like(work)
    _softened(out, 0.22 * blur, np.empty((work.shape[1], 3), np.float32), softer)
    return softer


@njit(cache=True)
def _streaks(work, key, count, focal, slope, length_m, colour, strength):
    height, width = work.shape[0], work.shape[1]
    for n in range(count):
        u = _unit(key + np.uint32(4 * n)) * (width + 20) - 10.0
        v = _unit(key + np.uint32(4 * n + 1)) * (height + 20) - 10.0
        # As many near drops as far ones are seen: they are few but long.
        depth = 1.2 * (12.0 / 1.2) ** _unit(key + np.uint32(4 * n + 2))
        long_px = min(length_m * focal / depth, 0.5 * height)
        share = strength * (0.35 + 0.65 * _unit(key + np.uint32(4 * n + 3))) * min(1.0, 3.0 / depth + 0.25)
        steps = max(int(long_px), 1)
        lean = slope * (u - 0.5 * width) / width
        for k in range(steps):
            b = int(v) + k
            place = u + lean * k
            a = int(np.floor(place))
            if 0 <= b < height and 0 <= a < width - 1:
                right = place - a
                for c in range(3):
                    for d in range(2):
                        weight = share * (right if d == 1 else 1.0 - right)
                        work[b, a + d, c] += np.float32(weight * (colour[c] - work[b, a + d, c]))


def _rain(work: np.ndarray, exposure: Exposure, camera: CameraModel, streaks: float, light: Light) -> None:
    """Draw the drops that fall through the picture, as streaks that lean away from the way the ego goes."""
    size = camera.width_px * camera.height_px / 1e6
    colour = 255.0 * np.clip(light.haze * 1.05 + 0.10, 0.0, 1.0)
    slope = 1.2 * float(exposure.velocity_mps[2]) / FALL_MPS
    count = round(STREAKS_PER_MPX * streaks * size)
    _streaks(work, exposure.key, count, camera.focal_px, slope, STREAK_M, colour, 0.34)


@njit(cache=True)
def _drops(work, key, tick, slots, wide_px, out):
    height, width = work.shape[0], work.shape[1]
    for n in range(slots):
        # A drop sits for some seconds, slips down a little, and gives its slot to another one.
        phase = int(_unit(key + np.uint32(7 * n)) * DROP_LIFE_TICKS)
        life = (tick + phase) // DROP_LIFE_TICKS
        age = (tick + phase) % DROP_LIFE_TICKS
        own = _hash(key + np.uint32(7 * n + 1)) ^ np.uint32(life * 40503 & 0xFFFFFFFF)
        draw = _unit(own)
        radius = wide_px * (0.010 + 0.030 * draw * draw)
        cu = _unit(own + np.uint32(1)) * width
        cv = _unit(own + np.uint32(2)) * height + 0.9 * radius * age / DROP_LIFE_TICKS
        tall = 1.0 + 0.5 * _unit(own + np.uint32(3))
        for v in range(max(int(cv - radius * tall) - 1, 0), min(int(cv + radius * tall) + 2, height)):
            for u in range(max(int(cu - radius) - 1, 0), min(int(cu + radius) + 2, width)):
                x, y = (u + 0.5 - cu) / radius, (v + 0.5 - cv) / (radius * tall)
                far = np.sqrt(x * x + y * y)
                inside = min(max((1.0 - far) * radius * 0.7, 0.0), 1.0)
                if inside <= 0.0:
                    continue
                # A drop is a lens: it shows a wide piece of the picture upside down, darker at its rim.
                a = min(max(int(cu - x * radius * 3.2), 0), width - 1)
                b = min(max(int(cv - y * radius * 3.2), 0), height - 1)
                rim = 1.0 - 0.45 * far * far * far
                lit = 14.0 * max(0.0, 1.0 - 3.0 * ((x + 0.4) ** 2 + (y + 0.4) ** 2))
                for c in range(3):
                    seen = work[b, a, c] * rim + lit
                    out[v, u, c] += np.float32(inside * 0.88 * (seen - out[v, u, c]))


def _wet_glass(work: np.ndarray, exposure: Exposure, camera: CameraModel, lens_drops: float) -> np.ndarray:
    out = work.copy()
    slots = round(DROPS_PER_MPX * lens_drops * camera.width_px * camera.height_px / 1e6)
    _drops(work, exposure.life_key, exposure.tick, max(slots, 1), float(max(camera.width_px, 128)), out)
    return out
