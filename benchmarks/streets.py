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
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from gauges import Gauges
from numba import njit
from reasons import CAUSES, PASSING, RED, chain_of, reason
from street_tables import plot, summary, table

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
LONGEST_S = 120.0  # for a gap in the traffic: who waits longer is stuck
CAUSE_LASTS_S = 15.0  # a queue needs as long to move after its cause is gone
HARD_MPS2 = 3.0
QUANTITIES = 5  # ticks between samples: 2 Hz


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


def watch(town: Town, family: str, seed: int, seconds: float, users: int, density: float) -> dict:
    """Return what one ride showed: user-hours, contacts, who was stuck, hard braking, gauges."""
    world = World(town, users=users, density=density)
    state = watch_from(world, town, seed)
    gauges, known, still, caused_at = Gauges(), set(), {}, {}
    out = {"family": family, "town": str(town.meta.get("name", "")), "seed": seed, "seconds": seconds}
    hours, hard, hard_events, backing_s, cleared = 0.0, 0, 0, 0.0, 0
    contacts, stood, hard_at = [], {}, {}
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
            if now[uid] * TICK_S <= STUCK_S - CAUSE_LASTS_S:
                continue
            chain = chain_of(minds.waits_for[0], minds.parked[0], int(i))
            why = reason(minds.waits_for[0], speed, minds.parked[0], chain)
            if why == RED:
                caused_at[uid] = tick
            elif (tick - caused_at.get(uid, -9999)) * TICK_S <= CAUSE_LASTS_S:
                why = RED
            if now[uid] * TICK_S > STUCK_S:
                held = why in CAUSES and not (why == PASSING and now[uid] * TICK_S > LONGEST_S)
                one = stood.setdefault(uid, {"uid": uid, "kind": Kind(int(us.kind[i])).name, "from_tick": tick})
                one["seconds"] = one.get("seconds", 0.0) + TICK_S * (not held)
                reasons = one.setdefault("reasons", {})
                reasons[why] = reasons.get(why, 0.0) + TICK_S
                if not held:
                    one["waits_for"] = [Kind(int(us.kind[k])).name for k in chain[1:]]
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
    for one in stood.values():
        one["seconds"] = round(one["seconds"], 1)
        one["reasons"] = {why: round(lasted, 1) for why, lasted in one["reasons"].items()}
    return out | {
        "user_hours": hours,
        "contacts": contacts,
        "stuck": [one for one in stood.values() if "x_m" in one],
        "stood_with_cause": [one for one in stood.values() if "x_m" not in one],
        "hard_ticks": hard,
        "hard_events": hard_events,
        "backing_s": backing_s,
        "cleared_away": cleared,
        "values": gauges.finish(),
    }


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
