"""Film strips of hands, as the narrow camera sees them: what a person must be able to read, the driver can learn.

    python benchmarks/strips.py --out docs/hands

Rows are gestures, columns are moments; each person is cut out of real frames of the rig's narrow camera at 15 m and at
30 m, facing it and turned away from it, the latter at twice its size. One sheet for officers, one for road workers and
commands of passers-by, one for hands that mean nothing, one for the variety of people.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from xiaolu.cameras.cast import warmth_of
from xiaolu.cameras.renderer import Renderer
from xiaolu.cameras.rig import RIG, camera_named, project, world_from_camera
from xiaolu.core.conditions import CONDITIONS
from xiaolu.core.scene import Scene
from xiaolu.core.users import Gesture, Kind, Users, empty_users
from xiaolu.ride.drivers import BUNDLED_TOWN
from xiaolu.world.town import LaneKind, Town, load_town

CAMERA = camera_named(RIG, "narrow")
MOMENTS = 9
TURNED_RAD = 0.9
VIEWS = ((15.0, 0.0, 1), (15.0, TURNED_RAD, 1), (30.0, 0.0, 2), (30.0, TURNED_RAD, 2))  # metres, turn, zoom
BOX_M = 2.2  # wide and high: arms to both sides, a paddle above the head
HEIGHTS_M = {Kind.CHILD: 1.2, Kind.BICYCLE: 1.7, Kind.E_BIKE: 1.65}
POLICE = [(Kind.OFFICER, g) for g in Gesture if g >= Gesture.POLICE_STOP]
MEANT = [
    (Kind.WORKER, Gesture.PADDLE_STOP),
    (Kind.WORKER, Gesture.PADDLE_SLOW),
    (Kind.WORKER, Gesture.PADDLE_GO),
    (Kind.PEDESTRIAN, Gesture.STOP),
    (Kind.PEDESTRIAN, Gesture.GO),
    (Kind.PEDESTRIAN, Gesture.SLOW_DOWN),
    (Kind.PEDESTRIAN, Gesture.PULL_OVER),
    (Kind.PEDESTRIAN, Gesture.HAIL),
    (Kind.PEDESTRIAN, Gesture.BECKON),
]
MEANINGLESS = [
    (Kind.PEDESTRIAN, Gesture.WALK),
    (Kind.CHILD, Gesture.WALK),
    (Kind.PEDESTRIAN, Gesture.WAVE),
    (Kind.PEDESTRIAN, Gesture.THANK),
    (Kind.PEDESTRIAN, Gesture.POINT),
    (Kind.PEDESTRIAN, Gesture.PHONE),
    (Kind.PEDESTRIAN, Gesture.READ_PHONE),
    (Kind.PEDESTRIAN, Gesture.CARRY),
    (Kind.PEDESTRIAN, Gesture.UMBRELLA),
]
LAST_S = {Gesture.THANK: 1.8, Gesture.POLICE_STOP: 2.0, Gesture.STOP: 1.6, Gesture.POLICE_STRAIGHT: 6.0}
LONG_S, SHORT_S = 4.6, 2.4


def straight_lane(town: Town, length_m: float = 75.0) -> np.ndarray:
    """Return the pose (x, y, yaw) and height (4,) where a street begins that is straight for so long."""
    best, least = np.zeros(4), np.inf
    for lane in np.flatnonzero((town.lane_kind == LaneKind.DRIVE) & (town.lane_junction < 0)):
        points = town.points[town.point_start[lane] : town.point_start[lane + 1]]
        way = points[-1] - points[0]
        length = float(np.hypot(*way[:2]))
        off = np.abs((points - points[0])[:, :2] @ np.array([-way[1], way[0]]) / max(length, 1e-6)).max()
        if length >= length_m and off < least:
            best, least = np.array([*points[0][:2], np.arctan2(way[1], way[0]), points[0][2]]), off
    if not np.isfinite(least):
        raise ValueError(f"this town has no street that is straight for {length_m:.0f} m; take another with --town")
    return best


def ride_of_warmth(warmth: float) -> int:
    """Return the first seed whose ride lies in a season about so warm, 0 winter to 1 summer."""
    return next(seed for seed in range(10_000) if abs(warmth_of(seed) - warmth) < 0.03)


class Stand:
    """A street with the ego at one end, and people set up in front of its narrow camera."""

    def __init__(self, town: Town) -> None:
        self.renderer = Renderer(town)
        self.start = straight_lane(town)

    def scene(self, rows: Sequence[dict], conditions="sun", seed: int = 1) -> Scene:
        """Return a scene; a row's ahead_m, left_m count from the camera, its yaw_rad from facing it."""
        x, y, yaw, z = self.start
        users: Users = empty_users(max(len(rows), 1))
        for n, row in enumerate(rows):
            row = dict(row)
            ahead, left = row.pop("ahead_m") + 1.6, row.pop("left_m", 0.0)
            kind = row["kind"]
            users.uid[n], users.active[n] = n, True
            users.x_m[n] = x + ahead * np.cos(yaw) - left * np.sin(yaw)
            users.y_m[n] = y + ahead * np.sin(yaw) + left * np.cos(yaw)
            users.z_m[n] = z
            users.height_m[n] = HEIGHTS_M.get(kind, 1.70)
            users.length_m[n], users.width_m[n] = (1.75, 0.6) if kind in (Kind.BICYCLE, Kind.E_BIKE) else (0.4, 0.5)
            for name, value in row.items():
                getattr(users, name)[n] = value + yaw + np.pi if name == "yaw_rad" else value
        none = np.zeros(len(users), bool)
        heads = len(self.renderer.town.head_lane)
        return Scene(
            stamp_ns=0, seed=seed, town="strips", ego_pose=self.start[:3], ego_z_m=float(z), ego_speed_mps=0.0,
            ego_acceleration_mps2=0.0, ego_yaw_rate_radps=0.0, ego_steering_rad=0.0, ego_indicator=0, users=users,
            visible=none, touching=none, caused_by_user=none, signal_colour=np.zeros(heads, np.int8),
            signal_countdown_s=np.full(heads, np.nan), route_lanes=np.zeros(1, np.int32), goal_s_m=0.0,
            conditions=CONDITIONS[conditions],
        )  # fmt: skip

    def cut(self, row: dict, zoom: int, conditions="sun", seed: int = 1) -> Image.Image:
        """Return a person as the narrow camera sees it, in a box of BOX_M, every pixel zoom pixels wide."""
        scene = self.scene([row], conditions, seed)
        image = self.renderer.frames(scene, ["narrow"])[0].image
        camera_from_world = np.linalg.inv(world_from_camera(CAMERA, scene.ego_pose, scene.ego_z_m))
        users = scene.users
        foot = np.array([[users.x_m[0], users.y_m[0], users.z_m[0] + 1.0]])
        (u, v), depth = (a[0] for a in project(CAMERA, camera_from_world, foot))
        half = round(float(CAMERA.focal_px * BOX_M / 2 / depth))
        cut = Image.fromarray(image).crop((int(u) - half, int(v) - half, int(u) + half, int(v) + half))
        return cut.resize((cut.width * zoom, cut.height * zoom), Image.Resampling.NEAREST)


def strip(stand: Stand, acts: Sequence[tuple[Kind, Gesture]], style: int) -> Image.Image:
    """Return a sheet: a row an act, blocks of moments for every view."""
    rows = []
    for n, (kind, gesture) in enumerate(acts):
        last_s = LAST_S.get(gesture, LONG_S if gesture >= Gesture.POLICE_STOP else SHORT_S)
        parts = []
        for ahead_m, turn, zoom in VIEWS:
            for seconds in np.linspace(0.0, last_s, MOMENTS):
                walks = gesture == Gesture.WALK
                running = 2.9 if kind == Kind.CHILD else 1.3
                row = {
                    "kind": kind, "gesture": gesture, "gesture_s": float(seconds), "ahead_m": ahead_m, "yaw_rad": turn,
                    "style": style + 101 * n, "speed_mps": running if walks else 0.0,
                    "stride_rad": 2.0 * np.pi * 0.9 * seconds if walks else 0.0,
                }  # fmt: skip
                parts.append(stand.cut(row, zoom))
        height = max(part.height for part in parts)
        sheet = Image.new("RGB", (sum(part.width for part in parts) + 12, height + 12), "white")
        x = 0
        for k, part in enumerate(parts):
            sheet.paste(part, (x, 12))
            x += part.width + (4 if (k + 1) % MOMENTS == 0 else 0)
        label = f"{kind.name.lower()}: {gesture.name.lower().replace('_', ' ')}, 0 to {last_s:.1f} s"
        ImageDraw.Draw(sheet).text((2, 0), label, fill="black")
        rows.append(sheet)
    return _stacked(rows)


def crowd(stand: Stand, style: int) -> Image.Image:
    """Return a sheet of many people at 16 m, from the front and from behind, in summer, spring and winter."""
    cast = [Kind.PEDESTRIAN] * 12 + [Kind.CHILD] * 3 + [Kind.OFFICER] * 2 + [Kind.WORKER] * 2
    cast += [Kind.BICYCLE] * 2 + [Kind.E_BIKE] * 4
    rows = []
    for turn, warmth in ((0.4, 0.95), (0.4, 0.5), (0.4, 0.05), (np.pi - 0.5, 0.95), (np.pi - 0.5, 0.05)):
        parts = []
        for n, kind in enumerate(cast):
            moves = n % 3 == 0 or kind <= Kind.E_BIKE
            row = {"kind": kind, "ahead_m": 16.0, "yaw_rad": turn, "style": style + 37 * n, "stride_rad": 0.7 * n}
            row |= {"speed_mps": 1.2 if moves else 0.0, "gesture": Gesture.WALK, "gesture_s": 3.0}
            parts.append(stand.cut(row, 1, seed=ride_of_warmth(warmth)))
        sheet = Image.new("RGB", (sum(part.width for part in parts), parts[0].height), "white")
        for k, part in enumerate(parts):
            sheet.paste(part, (k * part.width, 0))
        rows.append(sheet)
    return _stacked(rows)


def _stacked(rows: Sequence[Image.Image]) -> Image.Image:
    sheet = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)), "white")
    y = 0
    for row in rows:
        sheet.paste(row, (0, y))
        y += row.height
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the sheets")
    parser.add_argument("--town", type=Path, default=BUNDLED_TOWN)
    parser.add_argument("--style", type=int, default=20_261, help="first of the people's styles")
    parser.add_argument("--only", choices=["police", "meant", "meaningless", "people"])
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    stand = Stand(load_town(chosen.town))
    for name, acts in (("police", POLICE), ("meant", MEANT), ("meaningless", MEANINGLESS), ("people", None)):
        if chosen.only in (None, name):
            sheet = crowd(stand, chosen.style) if acts is None else strip(stand, acts, chosen.style)
            path = chosen.out / f"{name}.webp"
            sheet.save(path, quality=72, method=6)
            print(f"{path}: {sheet.width} x {sheet.height}, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
