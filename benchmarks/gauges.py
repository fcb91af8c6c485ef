"""What public recordings of streets show, and the same quantities measured on simulated users."""

from collections import defaultdict

import numpy as np

from xiaolu.core.rates import TICK_S
from xiaolu.core.users import ON_FOOT, Kind

CARS = (Kind.CAR, Kind.VAN, Kind.BUS)

# What public recordings show, as percentiles 5, 25, 50, 75, 95 (nan: not given): DUT (Dalian, shared space), nuScenes
# (Boston, Singapore), WOMD (USA). Only the statistics are quoted.
_NAN = float("nan")
REFERENCE: dict[str, tuple[str, str, tuple[float, ...]]] = {
    "free walking speed": ("m/s", "DUT", (1.02, 1.21, 1.35, 1.51, 1.75)),
    "side gap to people, 0.5-1.5 m/s": ("m", "DUT", (0.26, 0.62, 1.13, 2.07, 2.78)),
    "side gap to people, 1.5-3 m/s": ("m", "DUT", (0.53, 1.11, 1.72, 2.21, 2.87)),
    "side gap to people, 3-4.5 m/s": ("m", "DUT", (0.69, 1.25, 1.88, 2.44, 2.89)),
    "side gap to people, 4.5-9 m/s": ("m", "DUT", (1.18, 1.73, 2.06, 2.53, 2.86)),
    "following time gap, 2-6 m/s": ("s", "WOMD", (1.1, 2.0, 2.8, 3.9, 4.7)),
    "following time gap, 6-10 m/s": ("s", "WOMD", (1.4, 1.7, 2.0, 2.2, 2.5)),
    "standstill gap": ("m", "WOMD", (2.1, 2.9, 4.2, 4.8, 6.8)),
    "acceleration while moving": ("m/s²", "WOMD", (-1.55, -0.26, 0.11, 0.77, 1.51)),
    "peak acceleration": ("m/s²", "WOMD", (0.68, 1.01, 1.43, 1.68, 2.12)),
    "peak deceleration": ("m/s²", "nuScenes", (0.58, 0.83, 1.24, 2.05, 3.62)),
    "crossing gap accepted": ("s", "DUT", (2.4, 3.6, 4.4, 5.9, 6.9)),
    "crossing gap rejected": ("s", "DUT", (0.1, 0.5, 0.9, 1.3, 3.3)),
    "turn: median speed": ("m/s", "nuScenes+WOMD", (2.6, 3.7, 4.4, 5.8, 7.7)),
    "turn: least speed": ("m/s", "nuScenes+WOMD", (1.1, 2.0, 3.1, 4.5, 6.9)),
    "turn: peak lateral acceleration": ("m/s²", "nuScenes+WOMD", (0.75, 1.14, 1.87, 2.54, 3.47)),
    "speed at radius 9-14 m": ("m/s", "nuScenes", (2.3, 2.7, 3.2, 3.9, 5.8)),
    "speed at radius 14-22 m": ("m/s", "nuScenes", (2.8, 4.1, 4.6, 5.6, 6.7)),
    "speed at radius 22-40 m": ("m/s", "nuScenes", (3.2, 4.0, 4.8, 6.6, 7.6)),
    "speed at radius 40-100 m": ("m/s", "nuScenes", (3.0, 4.5, 5.6, 6.8, 9.0)),
    "side gap past a standing vehicle, 1.5-5 m/s": ("m", "nuScenes+WOMD", (0.30, 0.84, 0.98, 1.15, 2.35)),
    "side gap past a standing vehicle, 5-9 m/s": ("m", "nuScenes+WOMD", (0.21, 0.54, 0.95, 1.60, 2.16)),
    "side gap to oncoming vehicles": ("m", "nuScenes", (0.66, 1.25, 1.70, 2.52, 3.31)),
}


class Gauges:
    """What one ride shows of `REFERENCE`: values by name."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = defaultdict(list)
        self.walks: dict[int, list[float]] = defaultdict(list)
        self.pairs: dict[tuple[str, int, int], list[tuple[float, float]]] = defaultdict(list)
        self.crossing: dict[tuple[int, int], float] = {}
        self.series: dict[int, list[tuple[float, float]]] = defaultdict(list)
        self.radius: dict[tuple[int, str], list[float]] = defaultdict(list)

    def every_tick(self, users, free: np.ndarray) -> None:
        for i in np.flatnonzero(free & np.isin(users.kind, CARS)):
            self.series[int(users.uid[i])].append((float(users.speed_mps[i]), float(users.yaw_rate_radps[i])))

    def sample(self, users, free: np.ndarray, waits_for: np.ndarray) -> None:
        cars = np.flatnonzero(free & np.isin(users.kind, CARS))
        people = np.flatnonzero(free & np.isin(users.kind, ON_FOOT))
        moving = cars[users.speed_mps[cars] > 0.5]
        self._walking(users, people, moving)
        for a in moving:
            dx, dy = users.x_m - users.x_m[a], users.y_m - users.y_m[a]
            cos, sin = np.cos(users.yaw_rad[a]), np.sin(users.yaw_rad[a])
            lon, lat = dx * cos + dy * sin, -dx * sin + dy * cos
            same = np.cos(users.yaw_rad - users.yaw_rad[a])
            self._beside(users, free, a, lon, lat, same)
            self._ahead(users, a, cars, lon, lat, same)
            self._crossing(users, a, people, lon, lat)
            v, rate = float(users.speed_mps[a]), abs(float(users.yaw_rate_radps[a]))
            if rate > 0.005:
                for low, high in ((9, 14), (14, 22), (22, 40), (40, 100)):
                    if low <= v / rate < high:
                        self.radius[int(users.uid[a]), f"speed at radius {low}-{high} m"].append(v)
        for a in cars[users.speed_mps[cars] < 0.2]:
            b = int(waits_for[a])
            if not (0 <= b < len(free) and free[b] and users.kind[b] in CARS and users.speed_mps[b] < 0.2):
                continue
            if np.cos(users.yaw_rad[a] - users.yaw_rad[b]) > 0.9:
                away = float(np.hypot(users.x_m[a] - users.x_m[b], users.y_m[a] - users.y_m[b]))
                gap = away - 0.5 * float(users.length_m[a] + users.length_m[b])
                self.pairs["standstill gap", int(users.uid[a]), int(users.uid[b])].append((gap, gap))

    def _walking(self, users, people: np.ndarray, moving: np.ndarray) -> None:
        for i in people[users.speed_mps[people] > 0.4]:
            away = np.hypot(users.x_m[moving] - users.x_m[i], users.y_m[moving] - users.y_m[i])
            if not len(away) or away.min() > 10.0:
                self.walks[int(users.uid[i])].append(float(users.speed_mps[i]))

    def _beside(self, users, free: np.ndarray, a: int, lon: np.ndarray, lat: np.ndarray, same: np.ndarray) -> None:
        """Side gaps while alongside: to people's middles, to standing vehicles, to oncoming ones."""
        v, me = float(users.speed_mps[a]), int(users.uid[a])
        beside = np.flatnonzero(
            users.active & (np.abs(lon) < 0.5 * (users.length_m[a] + users.length_m)) & (np.abs(lat) < 7.0)
        )
        for b in beside[beside != a]:
            kind, other = users.kind[b], int(users.uid[b])
            gap = abs(float(lat[b])) - 0.5 * float(users.width_m[a])
            if kind in ON_FOOT and abs(lon[b]) < 0.5 * users.length_m[a]:
                for low, high in ((0.5, 1.5), (1.5, 3.0), (3.0, 4.5), (4.5, 9.0)):
                    if low <= v < high and 0.0 <= gap < 3.0:
                        self.pairs[f"side gap to people, {low:g}-{high:g} m/s", me, other].append((gap, gap))
            gap -= 0.5 * float(users.width_m[b])
            if kind in CARS and abs(same[b]) > 0.95 and users.speed_mps[b] < 0.1 and 0.0 <= gap < 2.5:
                for low, high in ((1.5, 5.0), (5.0, 9.0)):
                    if low <= v < high:
                        name = f"side gap past a standing vehicle, {low:g}-{high:g} m/s"
                        self.pairs[name, me, other].append((gap, gap))
            if kind in CARS and free[b] and same[b] < -0.9 and users.speed_mps[b] > 0.5 and 0.0 <= gap < 4.0:
                self.pairs["side gap to oncoming vehicles", me, other].append((gap, gap))

    def _ahead(self, users, a: int, cars: np.ndarray, lon: np.ndarray, lat: np.ndarray, same: np.ndarray) -> None:
        """Time gap to the one ahead in the lane, steady."""
        v = float(users.speed_mps[a])
        if v < 2.0:
            return
        ahead = cars[(lon[cars] > 1.0) & (np.abs(lat[cars]) < 1.2) & (same[cars] > 0.95)]
        if len(ahead):
            b = int(ahead[lon[ahead].argmin()])
            gap = float(lon[b]) - 0.5 * float(users.length_m[a] + users.length_m[b])
            if abs(float(users.speed_mps[b]) - v) < 1.0 and 0.0 < gap / v < 5.0:
                for low, high in ((2, 6), (6, 10)):
                    if low <= v < high:
                        name = f"following time gap, {low}-{high} m/s"
                        self.pairs[name, int(users.uid[a]), int(users.uid[b])].append((gap / v, gap / v))

    def _crossing(self, users, a: int, people: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> None:
        """Gaps of people 2 m before the swept path: who then goes first."""
        v, me = float(users.speed_mps[a]), int(users.uid[a])
        front, half = lon - 0.5 * float(users.length_m[a]), 0.5 * float(users.width_m[a]) + 0.25
        for b in people:
            pair = (me, int(users.uid[b]))
            aside = abs(float(lat[b]))
            heading = float(np.sin(users.yaw_rad[b] - users.yaw_rad[a])) * (-1.0 if lat[b] > 0 else 1.0)
            if pair not in self.crossing:
                comes = heading > 0.7 and users.speed_mps[b] > 0.2
                if half < aside < half + 2.0 and comes and 0.0 < front[b] < min(12.0 * v, 40.0):
                    self.crossing[pair] = float(front[b]) / v
            elif self.crossing[pair] > 0.0:
                if aside < half and front[b] > 0.0:
                    self.values["crossing gap accepted"].append(self.crossing[pair])
                    self.crossing[pair] = -1.0
                elif front[b] < -0.5 * float(users.length_m[a]):
                    if aside < half + 3.0:
                        self.values["crossing gap rejected"].append(self.crossing[pair])
                    self.crossing[pair] = -1.0

    def finish(self) -> dict[str, list[float]]:
        """Return the values by name: one per person, pair or event."""
        self.values["free walking speed"] += [float(np.median(v)) for v in self.walks.values() if len(v) >= 2]
        for (name, _, _), gaps in self.pairs.items():
            first = np.array([gap for gap, _ in gaps])
            whole = name.startswith(("following time gap", "standstill gap"))
            self.values[name].append(float(np.median(first)) if whole else float(first.min()))
        for (_, name), speeds in self.radius.items():
            self.values[name].append(float(np.median(speeds)))
        for series in self.series.values():
            self._events(np.array(series))
        return {name: [round(value, 3) for value in values] for name, values in self.values.items()}

    def _events(self, series: np.ndarray) -> None:
        """Speed-ups, brakings and turns of one vehicle; series (T, 2): speed, yaw rate at 10 Hz."""
        if len(series) < 30:
            return
        kernel = np.ones(10) / 10.0
        speed = np.convolve(np.abs(series[:, 0]), kernel, "valid")  # a second, as the recordings were smoothed
        change = np.diff(speed) / TICK_S
        self.values["acceleration while moving"] += change[(speed[1:] > 1.0)][::20].tolist()
        for sign, name in ((1.0, "peak acceleration"), (-1.0, "peak deceleration")):
            going = np.concatenate([[0], (sign * change > 0.1).astype(int), [0]])
            begins, ends = np.flatnonzero(np.diff(going) == 1), np.flatnonzero(np.diff(going) == -1)
            for begin, end in zip(begins, ends, strict=True):
                if sign * (speed[min(end, len(speed) - 1)] - speed[begin]) > 1.0:
                    self.values[name].append(float((sign * change[begin:end]).max()))
        smooth = np.convolve(series[:, 1], kernel, "same")
        turning = np.concatenate([[0], (np.abs(smooth) > 0.06).astype(int), [0]])
        begins, ends = np.flatnonzero(np.diff(turning) == 1), np.flatnonzero(np.diff(turning) == -1)
        for begin, end in zip(begins, ends, strict=True):
            v, rate = np.abs(series[begin:end, 0]), smooth[begin:end]
            if abs(rate.sum() * TICK_S) > np.pi / 4:
                self.values["turn: median speed"].append(float(np.median(v)))
                self.values["turn: least speed"].append(float(v.min()))
                self.values["turn: peak lateral acceleration"].append(float(np.percentile(v * np.abs(rate), 95)))
