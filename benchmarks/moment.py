"""A moment of a ride of `streets.py`: who is there, what each decides and why, and a picture of the place.

    python benchmarks/moment.py FAMILY SEED TICK [--at X Y] [--uid U ...] [--back 20] [--picture FILE.png]

SEED and TICK are those that `streets.py` gives with a contact or with one who is stuck. Rides are deterministic, so the
moment is reached by riding there. The table shows accelerations after each stage of deciding: what is in the way, whose
paths meet, backing up, averting; then what the user really did.
"""

import argparse
import itertools
from pathlib import Path

import matplotlib
import numpy as np
import streets

from xiaolu.core.rates import TICK_S
from xiaolu.core.users import Kind
from xiaolu.world import motion
from xiaolu.world.generate import Family
from xiaolu.world.places import ego_way
from xiaolu.world.signals import clock_s, programs_of
from xiaolu.world.state import WorldState
from xiaolu.world.table import table_of
from xiaolu.world.town import LaneKind, load_town
from xiaolu.world.world import World

STAGES = ("bodies", "paths", "backing", "averted")


def stages(world: World, state: WorldState):
    """Return (bodies, paths, accelerations (stage, N)) of the tick after a state of one branch, nobody moved yet."""
    table = table_of(state.users, state.minds)
    n, seed, tick = world.slots, int(state.seed[0]), int(state.tick[0]) + 1
    ego, z = (
        np.array([state.ego.x_m[0], state.ego.y_m[0], state.ego.yaw_rad[0], 0.0, 0.0, 0.0]),
        float(state.ego.z_m[0]),
    )
    programs = programs_of(world.town, world.faults, seed, world.signals_start_s)
    clock = clock_s(tick * TICK_S, seed, world.signals_start_s)
    ways, stage = world._ways, world._stage
    bodies = motion.gather(table, 0, n, ego, z)
    motion.look(table, bodies, world.sight.walls, 0, n, tick)
    paths = motion.Paths(np.zeros(n + 1, motion.PATH), np.zeros((n + 1, motion.POINTS), motion.PATH_POINT))
    ego_on = ego_way(ways, world._grid, ego[0], ego[1], z, ego[2])
    motion.draw_paths(ways, programs, stage, table, bodies, paths, 0, n, seed, tick, clock, ego, ego_on)
    motion.keep_clear(ways, table, bodies, paths, 0, n, seed)
    motion.heed_bodies(table, bodies, paths, 0, n)
    found = [bodies["acceleration"].copy()]
    motion.settle(ways, table, bodies, paths, 0, n, seed)
    motion.heed_paths(ways, table, bodies, paths, 0, n, seed, tick)
    found.append(bodies["acceleration"].copy())
    motion.back_up(ways, table, bodies, paths, 0, n, seed)
    found.append(bodies["acceleration"].copy())
    away = np.array([bodies["moving"][i] and motion.careless(table.row[i], seed, tick) for i in range(n)], bool)
    motion.avert(table, bodies, paths, 0, n, away)
    found.append(bodies["acceleration"].copy())
    return bodies, paths, np.array(found)


def tell(world: World, state: WorldState, after: WorldState, near: np.ndarray) -> None:
    """Print one line for every slot of `near`."""
    bodies, paths, wanted = stages(world, state)
    users, minds = state.users[0], state.minds
    print(f"tick {int(state.tick[0])}")
    print(
        "slot  uid kind        x       y    yaw     v |"
        + " ".join(f"{s:>7s}" for s in STAGES)
        + "    did | waited lead(gap)"
        "  waits backs offset  aim   way  pace stop ordered"
    )
    for i in near:
        i = int(i)
        parked = bool(minds.parked[0, i])
        print(
            f"{i:3d} {int(users.uid[i]) % 10**6:6d} {Kind(int(users.kind[i])).name[:7]:8s}"
            f"{users.x_m[i]:7.1f} {users.y_m[i]:7.1f} {np.degrees(users.yaw_rad[i]):6.1f} {users.speed_mps[i]:5.2f} |"
            + (
                " parked"
                if parked
                else " ".join(f"{a:7.2f}" for a in wanted[:, i])
                + f" {after.users.acceleration_mps2[0, i]:6.2f} | {minds.waited_s[0, i]:5.1f} {bodies['leader'][i]:3d}"
                f"({bodies['lead_gap'][i]:5.1f}) {minds.waits_for[0, i]:4d} {int(minds.backs_for[0, i]):5d}"
                f" {users.offset_m[i]:5.2f} {paths.row['aim'][i]:5.2f} {minds.way[0, i]:5d} {paths.row['pace'][i]:5.2f}"
                f" {paths.row['stop'][i]:5.1f} {paths.row['ordered'][i]}"
            )
        )


def draw(world: World, state: WorldState, x: float, y: float, reach: float, path: Path) -> None:
    """Draw lanes, users and their paths about a place."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    town, users, minds = world.town, state.users[0], state.minds
    _, paths, _ = stages(world, state)
    picture, axis = plt.subplots(figsize=(11.0, 11.0))
    colours = {LaneKind.DRIVE: "#b9c2cb", LaneKind.CYCLE: "#c4dcb5", LaneKind.CROSSING: "#e6d27c"}
    for lane in range(town.lanes):
        line = town.line(lane)
        if np.hypot(line[:, 0] - x, line[:, 1] - y).min() > 1.5 * reach:
            continue
        axis.plot(line[:, 0], line[:, 1], color=colours.get(LaneKind(int(town.lane_kind[lane])), "#e3cfd6"), lw=1)
    for b in range(len(town.building_start) - 1):
        ring = town.building_points[town.building_start[b] : town.building_start[b + 1]]
        if np.hypot(ring[:, 0] - x, ring[:, 1] - y).min() < 1.5 * reach:
            axis.fill(ring[:, 0], ring[:, 1], color="#f1ede6")
    for i in np.flatnonzero(users.active):
        if abs(users.x_m[i] - x) > reach or abs(users.y_m[i] - y) > reach:
            continue
        c, s = np.cos(users.yaw_rad[i]), np.sin(users.yaw_rad[i])
        corner = (
            np.array([[1, 1], [1, -1], [-1, -1], [-1, 1], [1, 1], [0, 0]]) * 0.5 * [users.length_m[i], users.width_m[i]]
        )
        box = corner @ np.array([[c, s], [-s, c]]) + [users.x_m[i], users.y_m[i]]
        free = not minds.parked[0, i]
        axis.plot(*box.T, color=("#c0392b" if free else "#7f8c8d"), lw=1.2)
        if free:
            axis.text(users.x_m[i], users.y_m[i], f"{i}", fontsize=9)
            count = int(paths.row["count"][i])
            axis.plot(paths.point["x"][i, :count], paths.point["y"][i, :count], color="#2471a3", lw=0.7)
    axis.set_xlim(x - reach, x + reach), axis.set_ylim(y - reach, y + reach)
    axis.set_aspect("equal")
    axis.set_title(f"{town.meta.get('name', '')}, tick {int(state.tick[0])}")
    picture.tight_layout()
    picture.savefig(path, dpi=90)
    plt.close(picture)


def main() -> None:
    """Ride to the moment, print and draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=[family.value for family in Family])
    parser.add_argument("seed", type=int)
    parser.add_argument("tick", type=int)
    parser.add_argument("--at", type=float, nargs=2, metavar=("X", "Y"), help="the place; else that of --uid")
    parser.add_argument("--uid", type=int, nargs="+", default=[])
    parser.add_argument("--reach", type=float, default=20.0, help="metres about the place")
    parser.add_argument("--back", type=int, default=0, help="tell so many ticks before it as well")
    parser.add_argument("--every", type=int, default=1, help="tell every so many ticks")
    parser.add_argument("--users", type=int, default=40)
    parser.add_argument("--density", type=float, default=1.0)
    parser.add_argument("--parts", type=Path, default=Path("runs/streets"))
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args()
    number = args.seed - streets.FIRST_SEED
    town = load_town(streets.towns_of(Family(args.family), args.parts / "towns")[number % streets.TOWNS])
    world = World(town, users=args.users, density=args.density)
    states = [streets.watch_from(world, town, args.seed)]
    while int(states[-1].tick[0]) <= args.tick:
        states = [*states[-args.back - 1 :], world.step(states[-1], streets.hanging(states[-1]))]
    users = states[-2].users[0]
    chosen = np.isin(users.uid, args.uid) & users.active
    x, y = args.at or (float(users.x_m[chosen].mean()), float(users.y_m[chosen].mean()))
    near = np.flatnonzero(users.active & (np.hypot(users.x_m - x, users.y_m - y) < args.reach))
    told = np.flatnonzero(chosen) if chosen.any() else near
    for before, after in list(itertools.pairwise(states))[:: -args.every][::-1]:
        tell(world, before, after, told)
    if args.picture:
        draw(world, states[-2], x, y, args.reach, args.picture)


if __name__ == "__main__":
    main()
