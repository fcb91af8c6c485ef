"""Cutting: a moment of a recorded ride becomes a family of its own. In: a ride's steps; out: a scenario file's text.

Whoever was near the ego shortly before the moment is an actor: it begins where it was and moves as it did, blindly,
until shortly after the moment; from then on it has a mind of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from xiaolu.core.conditions import CONDITIONS, Conditions
from xiaolu.core.episode import Event, Header, Step
from xiaolu.core.frames import wrap_angle
from xiaolu.core.users import Gesture, Kind, Thing
from xiaolu.world.routing import RoutePath, RoutePlan
from xiaolu.world.scenarios.cast import KINDS, THINGS
from xiaolu.world.scenarios.frame import RouteFrame
from xiaolu.world.scenarios.streets import streets_of
from xiaolu.world.signals import clock_s
from xiaolu.world.town import Town

BEFORE_S, AFTER_S = 4.0, 1.5  # the ride begins so long before the moment; minds are free so long after it
LINE_S = 8.0  # recorded motion is kept for so long beyond the moment
NEAR_M = 70.0
EVERY = 5  # ticks between the acts that tell a recorded speed
STANDS_M = 0.3
BLIND_MPS2 = 9.0


@dataclass(frozen=True, slots=True)
class Track:
    """A user's recorded way in the route frame: at (n,) ticks, s_m, left_m, speed_mps (n,) each."""

    name: str
    kind: str
    at: np.ndarray
    s_m: np.ndarray
    left_m: np.ndarray
    heading_deg: float
    size_m: tuple[float, float, float]
    style: int
    gesture: str
    moves: bool


def cut(
    header: Header,
    steps: Sequence[Step],
    at_s: float,
    town: Town,
    town_name: str,
    name: str,
    events: Sequence[Event] = (),
) -> str:
    """Return a family's file. town_name: how the file shall name the town; events: what the referee saw in the ride.

    Raises ValueError for a moment outside the ride.
    """
    stamps = np.array([step.observation.stamp_ns for step in steps]) * 1e-9
    if not len(stamps) or not stamps[0] <= at_s <= stamps[-1]:
        end = stamps[-1] if len(stamps) else 0.0
        raise ValueError(f"--at {at_s:g}: the ride is recorded from 0 to {end:.1f} s")
    first = int(np.searchsorted(stamps, max(at_s - BEFORE_S, 0.0)))
    moment = int(np.searchsorted(stamps, at_s))
    last = int(np.searchsorted(stamps, at_s + LINE_S, "right")) - 1
    plan, anchor = _rest_of_route(header, steps, first, moment, town)
    path = RoutePath(town, plan)
    frame = RouteFrame(town, path, anchor, streets_of(town).ground, {})
    tracks = _tracks(steps[first : last + 1], frame)
    event = min(events, key=lambda e: abs(e.from_ns * 1e-9 - at_s), default=None)
    if event is not None and abs(event.from_ns * 1e-9 - at_s) > BEFORE_S:
        event = None
    clock = clock_s(float(stamps[first]), header.seed, _start_of_clock(header))
    scene = steps[first].scene
    x, y, yaw = scene.ego_pose
    lines = [
        f'name = "{name}"',
        f'title = "Cut from {header.ride} at {at_s:.1f} s"',
        f'about = "{_about(event, header, at_s)}"',
        'tags = ["small-roads"]',
        'towns = ["old-town"]',
        f"time_limit_s = {min(max(BEFORE_S + 20.0 + path.length_m / 3.0, 30.0), 600.0):.0f}",
        "",
        "[site]",
        'kind = "ride"',
        f'town = "{town_name}"',
        f'digest = "{header.town_digest}"',
        f"lanes = {[int(lane) for lane in plan.lanes]}",
        f"start_s_m = {plan.start_s_m!r}",
        f"goal_s_m = {plan.goal_s_m!r}",
        f"anchor_s_m = {anchor!r}",
        f"ride_seed = {header.seed}",
        f"signals_start_s = {float(clock)!r}",
        f"start_pose = [{float(x)!r}, {float(y)!r}, {float(yaw)!r}]",
        "",
        "[ego]",
        f"start_mps = {min(max(scene.ego_speed_mps, 0.0), 20.0):.3f}",
        f'told = "{"passenger" if header.versions.get("route_absent") == "1" else "phone"}"',
        "",
        "[around]",
        "density = 0",
        "parked = false",
        "",
        "[conditions]",
        f"{_condition(header.conditions)} = 1",
    ]
    free = first + round((at_s + AFTER_S - stamps[first]) * 10) - first
    for track in tracks:
        lines += _actor(track, free)
    lines += _checks(event, {_uid(track.name): track.name for track in tracks})
    return "\n".join(lines) + "\n"


def _start_of_clock(header: Header) -> float | None:
    kept = header.versions.get("signals_start_s", "")
    return float(kept) if kept else None


def _rest_of_route(
    header: Header, steps: Sequence[Step], first: int, moment: int, town: Town
) -> tuple[RoutePlan, float]:
    """Return the route from where the ego was at step `first`, and where along it it was at step `moment`."""
    length = float(header.versions["route_length_m"])
    whole = RoutePlan(np.asarray(header.route_lanes), header.start_s_m, header.goal_s_m, length)
    path = RoutePath(town, whole)
    s_m, at_first = 0.0, 0.0
    for number, step in enumerate(steps[: moment + 1]):
        s_m = float(path.project(step.scene.ego_pose[0], step.scene.ego_pose[1], s_m)[0])
        if number == first:
            at_first = s_m
    index = int(path.lane_index[path._index(at_first)])
    lanes = whole.lanes[index:]
    line = town.line(int(lanes[0]))[:, :2]
    nearest = int(np.argmin(np.hypot(*(line - path.point_at(at_first)[:2]).T)))
    start = nearest / (len(line) - 1) * float(town.lane_length_m[lanes[0]])
    start = min(start, (header.goal_s_m if len(lanes) == 1 else float(town.lane_length_m[lanes[0]])) - 1.0)
    plan = RoutePlan(lanes, max(start, 0.0), header.goal_s_m, max(length - at_first, 5.0))
    here = RoutePath(town, plan)
    pose = steps[moment].scene.ego_pose
    return plan, float(here.project(pose[0], pose[1], s_m - at_first, 40.0)[0])


def _tracks(steps: Sequence[Step], frame: RouteFrame) -> list[Track]:
    """Return the ways of all users that were near the ego, in the order of their identity."""
    seen: dict[int, list[tuple[int, float, float, float]]] = {}
    facts: dict[int, tuple] = {}
    start = -frame.anchor_s_m
    for tick, step in enumerate(steps):
        users, ego = step.scene.users, step.scene.ego_pose
        gap = np.hypot(users.x_m - ego[0], users.y_m - ego[1])
        for n in np.flatnonzero(users.active & (gap < NEAR_M)):
            uid, kind = int(users.uid[n]), int(users.kind[n])
            if kind == Kind.OBJECT and users.style[n] not in [int(t) for t in THINGS.values()]:
                continue  # it stands there in the town itself
            rows = seen.setdefault(uid, [])
            near = rows[-1][1] if rows else start + 30.0
            s_m, left_m = frame.of(float(users.x_m[n]), float(users.y_m[n]), near, 90.0 if not rows else 25.0)
            if uid not in facts:
                word = Thing(int(users.style[n])).name if kind == Kind.OBJECT else Kind(kind).name
                heading = np.degrees(wrap_angle(users.yaw_rad[n] - frame.pose(s_m)[3]))
                size = (float(users.length_m[n]), float(users.width_m[n]), float(users.height_m[n]))
                facts[uid] = (word.lower(), float(heading), size, int(users.style[n]), int(users.gesture[n]))
            rows.append((tick, s_m, left_m, float(users.speed_mps[n])))
    out = []
    for uid in sorted(seen):
        table = np.array(seen[uid])
        gaps = np.flatnonzero(np.diff(table[:, 0]) > 1)
        if len(gaps):
            table = table[: gaps[0] + 1]
        word, heading, size, style, gesture = facts[uid]
        moved = float(np.hypot(table[:, 1] - table[0, 1], table[:, 2] - table[0, 2]).max())
        if len(table) < 3 or not (abs(table[0, 2]) < 75.0 and -290.0 < table[0, 1] < 590.0):
            continue
        shown = Gesture(gesture).name.lower() if gesture > Gesture.WALK else ""
        out.append(
            Track(
                f"{word.replace('_', '-')}-{uid}", word, table[:, 0], table[:, 1], table[:, 2], heading, size, style,
                shown, moved > STANDS_M and word in KINDS,
            )
        )  # fmt: skip
    return out


def _actor(track: Track, free: int) -> list[str]:
    """Return the lines of a file that tell an actor; free: the tick from which it has a mind of its own."""
    out = ["", "[[actors]]", f'name = "{track.name}"', f'kind = "{track.kind}"']
    length, width, height = track.size_m
    out += [f"length_m = {length:.3f}", f"width_m = {width:.3f}", f"height_m = {min(height, 5.0):.3f}"]
    if track.kind in KINDS:
        out.append(f"style = {track.style % 1_000_000}")
    if not track.moves:
        on_foot = track.kind in ("pedestrian", "child", "officer", "worker")
        place = f"s_m = {track.s_m[0]:.3f}, left_m = {track.left_m[0]:.3f}"
        out.append(f"at = {{ {place}, heading_deg = {track.heading_deg:.2f} }}")
        if not on_foot and track.kind in KINDS:
            out.append("parked = true")
        elif on_foot and track.gesture:
            out += ["[[actors.acts]]", f'gesture = "{track.gesture}"']
        return out
    points = [0]
    for n in range(1, len(track.at)):
        if np.hypot(track.s_m[n] - track.s_m[points[-1]], track.left_m[n] - track.left_m[points[-1]]) > 0.4:
            points.append(n)
    line = ", ".join(f"[{track.s_m[n]:.3f}, {track.left_m[n]:.3f}]" for n in points)
    then = ', then = "lane"' if track.kind in ("car", "van", "bus", "e_bike", "bicycle") else ""
    out.append(f"goes = {{ line = [{line}]{then} }}")
    step = np.concatenate([[0.0], np.hypot(np.diff(track.s_m), np.diff(track.left_m))])
    along = np.cumsum(step)
    marks = range(0, len(track.at), EVERY)
    before_s, told = 0.0, -1.0
    for a, b in pairwise(marks):
        speed, at_s = float(along[b] - along[a]) / (0.1 * EVERY), 0.1 * float(track.at[a])
        if track.at[a] >= free:
            break
        if abs(speed - told) < 0.1:
            continue
        out.append("[[actors.acts]]")
        if a == 0 and track.at[0] > 0.0:
            out += ["speed_mps = 0", 'heeds = "none"', "[[actors.acts]]"]
        if at_s > 0.0:
            out.append(f"when = {{ after_s = {at_s - before_s:.1f} }}")
        out += [f"speed_mps = {min(speed, 25.0):.3f}", f"acceleration_mps2 = {BLIND_MPS2:g}", 'heeds = "none"']
        if a == 0 and track.gesture:
            out.append(f'gesture = "{track.gesture}"')
        before_s, told = at_s, speed
    out += ["[[actors.acts]]", f"when = {{ after_s = {max(0.1 * free - before_s, 0.1):.1f} }}"]
    out += ['speed_mps = "own"', "acceleration_mps2 = 3", 'heeds = "all"']
    return out


def _condition(conditions: Conditions) -> str:
    """Return the name of the conditions nearest to those of a ride."""

    def far(name: str) -> float:
        other = CONDITIONS[name]
        fields = ("sun_elevation_rad", "cloud", "rain", "fog")
        return sum(abs(getattr(other, field) - getattr(conditions, field)) for field in fields)

    return min(CONDITIONS, key=lambda name: (CONDITIONS[name] != conditions, far(name)))


def _uid(name: str) -> int:
    return int(name.rpartition("-")[2])


def _about(event: Event | None, header: Header, at_s: float) -> str:
    what = "A moment" if event is None else f"An intervention ({event.kind.replace('_', ' ')}, {event.detail})"
    return f"{what} of {header.driver} in {header.town}, {at_s:.1f} s into the ride.".replace('"', "'")


def _checks(event: Event | None, names: dict[int, str]) -> list[str]:
    """Return the checks that tell whether what happened happens again."""
    out = ["", "[[checks]]", 'check = "arrives"']
    if event is None:
        return out
    word = event.detail.split(",")[0]
    actor = names.get(int(word.removeprefix("uid "))) if word.startswith("uid ") else None
    told = f'actor = "{actor}"' if actor else None
    match event.kind:
        case "contact" | "contact_by_user":
            rows = ['check = "no_contact"', told]
        case "vulnerable_too_close":
            rows = ['check = "keeps_clearance_m"', told, "least_m = 0.3"]
        case "wrong_way":
            rows = ['check = "no_wrong_way"']
        case "hard_brake":
            rows = ['check = "comfortable"', "most_braking_mps2 = 5"]
        case _:
            return out  # red line, off road, stuck and missed: what holds for every family says it
    return [*out, "", "[[checks]]", *(row for row in rows if row)]
