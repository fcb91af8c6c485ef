"""Streets as people know them: what road users do to each other in so many simulated hours, set beside recordings.

    python benchmarks/streets.py --hours 10 --workers 2 --parts FOLDER --out FILE.json [--plot FILE.png] [--table]

For every town family: contacts between users, who stood for more than a minute and why, hard braking of those who
drive or ride, and the distributions of `REFERENCE` as the simulated users show them. Nobody drives: the watcher hangs
above the street, so that what is seen is the users' own doing. Each ride of five minutes leaves a part in the folder,
and a run that was stopped goes on with the next one. Deterministic in the seeds (those for validation), however
many processes share the rides.
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numba import njit

from xiaolu.core.control import EgoMotion
from xiaolu.core.rates import SUBSTEPS, TICK_S
from xiaolu.core.users import ON_FOOT, Kind
from xiaolu.world.contact import boxes_meet
from xiaolu.world.generate import Family
from xiaolu.world.kept_towns import town_of, town_path
from xiaolu.world.town import LaneKind, RoadClass, Town, load_town
from xiaolu.world.world import World

FIRST_TOWN, TOWNS = 800_000, 4  # a family; towns and rides of the validation split
FIRST_SEED = 810_000
RIDE_S = 300.0
ABOVE_M = 1000.0  # where the watcher hangs: on no layer of any town
STUCK_S = 60.0
CAUSE_LASTS_S = 15.0  # a queue needs as long to move after its cause is gone
HARD_MPS2 = 3.0
PERCENTILES = (5, 25, 50, 75, 95)
CARS = (Kind.CAR, Kind.VAN, Kind.BUS)
QUANTITIES = 5  # ticks between samples: 2 Hz

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


def towns_of(family: Family, folder: Path) -> list[Path]:
    """Return the family's town files, made where the folder does not hold them."""
    for seed in range(FIRST_TOWN, FIRST_TOWN + TOWNS):
        if not town_path(seed, folder, family).exists():
            town_of(seed, folder, family)
    return [town_path(seed, folder, family) for seed in range(FIRST_TOWN, FIRST_TOWN + TOWNS)]


def hanging(state) -> EgoMotion:
    """Return the motion of a watcher that stays where it is."""
    ego = state.ego
    pose = np.stack([ego.x_m, ego.y_m, ego.yaw_rad], axis=-1)[:, None].repeat(SUBSTEPS + 1, axis=1)
    zero = np.zeros(state.branches)
    return EgoMotion(pose, zero, zero, zero, zero, zero.astype(np.int8))


def watch_from(world: World, town: Town, seed: int):
    """Return the state in which a ride begins: the watcher over a street drawn by the seed."""
    streets = (town.lane_kind == LaneKind.DRIVE) & (town.lane_junction < 0) & (town.lane_length_m > 25.0)
    small = streets & (town.lane_class >= RoadClass.SECONDARY)
    chance = np.random.default_rng(seed)
    lane = int(chance.choice(np.flatnonzero(small if small.any() else streets)))
    x, y, _, yaw = town.pose_at(lane, float(chance.uniform(5.0, town.lane_length_m[lane] - 5.0)))
    state = world.start(seed, np.array([x, y, yaw]))
    return replace(state, ego=replace(state.ego, z_m=state.ego.z_m + ABOVE_M))


@njit
def _overlaps(active, free, x, y, z, yaw, hl, hw):
    found = []
    for a in range(len(x)):
        for b in range(a + 1, len(x)):
            if not (active[a] and active[b] and (free[a] or free[b])) or abs(z[a] - z[b]) > 3.0:
                continue
            reach = hl[a] + hw[a] + hl[b] + hw[b]
            if abs(x[a] - x[b]) > reach or abs(y[a] - y[b]) > reach:
                continue
            if boxes_meet(x[a], y[a], yaw[a], hl[a], hw[a], x[b], y[b], yaw[b], hl[b], hw[b], 0.0, 0.0):
                found.append((a, b))
    return found


def touching(users, free: np.ndarray) -> list[tuple[int, int]]:
    """Return pairs of slots whose outlines overlap, at least one of them free to move."""
    columns = (users.x_m, users.y_m, users.z_m, users.yaw_rad, 0.5 * users.length_m, 0.5 * users.width_m)
    return [(int(a), int(b)) for a, b in _overlaps(users.active, free, *columns)]


def has_cause(waits_for: np.ndarray, slot: int) -> bool:
    """Return whether the queue that a user stands in begins at a red light. waits_for (N,): see `Minds`."""
    seen = set()
    while 0 <= slot < len(waits_for) and slot not in seen:
        seen.add(slot)
        slot = int(waits_for[slot])
    return slot == -2


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


def watch(town: Town, family: str, seed: int, seconds: float, users: int, density: float) -> dict:
    """Return what one ride showed: user-hours, contacts, who was stuck, hard braking, gauges."""
    world = World(town, users=users, density=density)
    state = watch_from(world, town, seed)
    gauges, known, still, caused_at = Gauges(), set(), {}, {}
    out = {"family": family, "town": str(town.meta.get("name", "")), "seed": seed, "seconds": seconds}
    hours, hard, hard_events, backing_s, cleared = 0.0, 0, 0, 0.0, 0
    contacts, stuck, hard_at = [], {}, {}
    for tick in range(1, round(seconds / TICK_S) + 1):
        state = world.step(state, hanging(state))
        us, minds = state.users[0], state.minds
        free = us.active & ~minds.parked[0]
        hours += float(free.sum()) * TICK_S / 3600.0
        speed = us.speed_mps
        backing_s += float((free & (minds.backs_for[0] != 0) & (speed < -0.1)).sum()) * TICK_S
        braking = free & ~np.isin(us.kind, ON_FOOT) & (us.acceleration_mps2 < -HARD_MPS2 - 1e-6)
        for i in np.flatnonzero(braking):  # people on foot stop within a step
            uid = int(us.uid[i])
            hard += 1
            hard_events += tick - hard_at.get(uid, -99) > 20
            hard_at[uid] = tick
        now = {}
        for i in np.flatnonzero(free & (np.abs(speed) < 0.3)):
            uid = int(us.uid[i])
            now[uid] = still.get(uid, 0) + 1
            if now[uid] * TICK_S > STUCK_S - CAUSE_LASTS_S and has_cause(minds.waits_for[0], i):
                caused_at[uid] = tick
            if now[uid] * TICK_S > STUCK_S and (tick - caused_at.get(uid, -9999)) * TICK_S > CAUSE_LASTS_S:
                one = stuck.setdefault(uid, {"uid": uid, "kind": Kind(int(us.kind[i])).name, "from_tick": tick})
                one["seconds"] = round(one.get("seconds", 0.0) + TICK_S, 1)
                one["x_m"], one["y_m"] = round(float(us.x_m[i]), 1), round(float(us.y_m[i]), 1)
        cleared += sum(1 for uid in still if uid not in now and still[uid] * TICK_S > 40.0 and uid not in us.uid)
        still = now
        if tick % QUANTITIES == 0:
            gauges.sample(us, free, minds.waits_for[0])
        gauges.every_tick(us, free)
        for a, b in touching(us, free):
            pair = (int(us.uid[a]), int(us.uid[b]))
            if pair not in known:
                known.add(pair)
                contacts.append(
                    {
                        "tick": tick,
                        "who": [Kind(int(us.kind[n])).name for n in (a, b)],
                        "uid": pair,
                        "parked": [bool(minds.parked[0, n]) for n in (a, b)],
                        "speed_mps": [round(float(speed[n]), 2) for n in (a, b)],
                        "attentive": [bool(minds.attentive[0, n]) for n in (a, b)],
                        "x_m": round(float(us.x_m[a]), 1),
                        "y_m": round(float(us.y_m[a]), 1),
                    }
                )
    return out | {
        "user_hours": hours,
        "contacts": contacts,
        "stuck": list(stuck.values()),
        "hard_ticks": hard,
        "hard_events": hard_events,
        "backing_s": backing_s,
        "cleared_away": cleared,
        "values": gauges.finish(),
    }


def percentiles(values: list[float]) -> list[float]:
    return [round(float(np.percentile(values, p)), 3) for p in PERCENTILES] if values else []


def summary(parts: list[dict]) -> dict:
    """Return the figures of a family, or of all: rates per user-hour, and percentiles beside the measured ones."""
    hours = sum(part["user_hours"] for part in parts)
    values: dict[str, list[float]] = defaultdict(list)
    for part in parts:
        for name, some in part["values"].items():
            values[name] += some
    contacts = [{"seed": part["seed"], "town": part["town"]} | one for part in parts for one in part["contacts"]]
    stuck = [{"seed": part["seed"], "town": part["town"]} | one for part in parts for one in part["stuck"]]
    return {
        "hours": sum(part["seconds"] for part in parts) / 3600.0,
        "user_hours": round(hours, 2),
        "contacts_per_1000_user_hours": round(1000.0 * len(contacts) / max(hours, 1e-9), 2),
        "contacts": contacts,
        "stuck_s_per_user_hour": round(sum(one["seconds"] for one in stuck) / max(hours, 1e-9), 2),
        "stuck": stuck,
        "cleared_away": sum(part["cleared_away"] for part in parts),
        "hard_braking_ticks_per_user_hour": round(sum(part["hard_ticks"] for part in parts) / max(hours, 1e-9), 2),
        "hard_braking_events_per_user_hour": round(sum(part["hard_events"] for part in parts) / max(hours, 1e-9), 2),
        "backing_s_per_user_hour": round(sum(part["backing_s"] for part in parts) / max(hours, 1e-9), 2),
        "distributions": {
            name: {
                "unit": unit,
                "n": len(values[name]),
                "simulated": percentiles(values[name]),
                "measured": list(measured),
                "measured_by": source,
            }
            for name, (unit, source, measured) in REFERENCE.items()
        },
    }


def table(figures: dict) -> str:
    """Return the figures as the two Markdown tables of `docs/realism.md`."""
    columns = {
        "hours": "{:.2g}",
        "user_hours": "{:.1f}",
        "contacts": "{}",
        "stuck_s_per_user_hour": "{:.1f}",
        "cleared_away": "{}",
        "hard_braking_events_per_user_hour": "{:.1f}",
        "backing_s_per_user_hour": "{:.1f}",
    }
    lines = [
        "| family | hours | user-hours | contacts | stuck s per user-hour | cleared away | hard braking, events per "
        "user-hour | backing s per user-hour |",
        "|---" * 8 + "|",
    ]
    for name, one in [*figures["families"].items(), ("all", figures["all"])]:
        values = {key: len(one[key]) if key == "contacts" else one[key] for key in columns}
        lines.append("| " + " | ".join([name, *(form.format(values[key]) for key, form in columns.items())]) + " |")
    lines += ["", "| figure | n | simulated, percentiles 5 / 25 / 50 / 75 / 95 | measured |", "|---" * 4 + "|"]
    for name, one in figures["all"]["distributions"].items():
        told = (" / ".join(f"{value:.2f}" for value in one[key]) for key in ("simulated", "measured"))
        lines.append("| " + " | ".join([f"{name}, {one['unit']}", str(one["n"]), *told]) + " |")
    return "\n".join(lines)


def plot(figures: dict, path: Path) -> None:
    """Draw every distribution as two bars, measured over simulated: 5 to 95 % thin, 25 to 75 % thick, a median dot."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [name for name, one in figures["distributions"].items() if one["n"] >= 5]
    columns = 3
    rows = -(-len(names) // columns)
    picture, axes = plt.subplots(rows, columns, figsize=(13.0, 1.25 * rows + 0.6), squeeze=False)
    for axis in axes.ravel()[len(names) :]:
        axis.axis("off")
    for axis, name in zip(axes.ravel(), names, strict=False):
        one = figures["distributions"][name]
        for height, key, colour in ((1.0, "measured", "#66727f"), (0.0, "simulated", "#1f6feb")):
            low, quarter, middle, upper, high = one[key]
            axis.plot([low, high], [height, height], color=colour, lw=1.5)
            axis.plot([quarter, upper], [height, height], color=colour, lw=7, solid_capstyle="butt")
            axis.plot([middle], [height], "o", color="white", ms=4, mec=colour)
        axis.set_yticks([0.0, 1.0], [f"here ({one['n']})", one["measured_by"]], fontsize=7)
        axis.set_ylim(-0.6, 1.6)
        axis.set_title(f"{name}, {one['unit']}", fontsize=8, loc="left")
        axis.tick_params(axis="x", labelsize=7)
        axis.grid(axis="x", color="#dfe5ea")
        for side in ("top", "right", "left"):
            axis.spines[side].set_visible(False)
    picture.tight_layout()
    picture.savefig(path, dpi=110, **({"pil_kwargs": {"quality": 75}} if path.suffix == ".webp" else {}))
    plt.close(picture)


def _finish(job: tuple[Path, Path, str, int, float, int, float]) -> Path:
    """Watch one ride and leave its part; job: town, part, family, seed, seconds, users, density."""
    path, part, family, seed, seconds, users, density = job
    if path not in _LOADED:
        _LOADED.clear()
        _LOADED[path] = load_town(path)
    began = time.process_time()
    seen = watch(_LOADED[path], family, seed, seconds, users, density)
    seen["cpu_s"] = time.process_time() - began
    partial = part.with_suffix(".part")
    partial.write_text(json.dumps(seen))
    partial.rename(part)
    return part


_LOADED: dict[Path, Town] = {}  # the town that this process watched last


def _finished(jobs: list[tuple], workers: int) -> Iterator[Path]:
    if workers <= 1 or len(jobs) <= 1:
        yield from map(_finish, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(_finish, jobs)


def run(
    families: list[Family], hours: float, folder: Path, users: int = 40, density: float = 1.0, workers: int = 1
) -> dict:
    """Watch so many hours of each family and return the figures; parts that are in the folder are not watched again."""
    folder.mkdir(parents=True, exist_ok=True)
    seconds, rides = min(RIDE_S, hours * 3600.0), max(1, round(hours * 3600.0 / RIDE_S))
    parts: dict[Family, list[Path]] = {}
    jobs = []
    for family in families:
        paths = towns_of(family, folder / "towns")
        order = sorted(range(rides), key=lambda n: (n % TOWNS, n))
        parts[family] = [folder / f"{family.value}-{number:04d}-{seconds:g}s.json" for number in order]
        for number, part in zip(order, parts[family], strict=True):
            if not part.exists():
                path = paths[number % TOWNS]
                jobs.append((path, part, family.value, FIRST_SEED + number, seconds, users, density))
    for done, part in enumerate(_finished(jobs, workers), 1):
        print(f"{done} of {len(jobs)} rides: {part.stem}", file=sys.stderr, flush=True)
    seen = {family: [json.loads(part.read_text()) for part in parts[family]] for family in families}
    figures = {family.value: summary(some) for family, some in seen.items()}
    return {"families": figures, "all": summary([one for some in seen.values() for one in some])}


def main() -> None:
    """Read the command line, watch, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=10.0, help="simulated hours of each family")
    parser.add_argument("--families", nargs="+", default=[family.value for family in Family])
    parser.add_argument("--users", type=int, default=40)
    parser.add_argument("--density", type=float, default=1.0)
    parser.add_argument("--parts", type=Path, default=Path("runs/streets"), help="folder of towns and finished rides")
    parser.add_argument("--workers", type=int, default=1, help="processes that share the rides")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--table", action="store_true", help="print the tables of docs/realism.md, not JSON")
    args = parser.parse_args()
    families = [Family(name) for name in args.families]
    figures = run(families, args.hours, args.parts, args.users, args.density, args.workers)
    text = json.dumps(figures, indent=1)
    if args.out:
        args.out.write_text(text + "\n")
    if args.plot:
        plot(figures["all"], args.plot)
    print(table(figures) if args.table else text)


if __name__ == "__main__":
    main()
