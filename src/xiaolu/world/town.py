"""A compiled town: lanes and who may go where and when, plus what stands around them. One file, no SUMO to read it.

World frame: x east, y north, z up, metres. Ragged tables are flat arrays with `*_start` offsets (size n + 1).
"""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, fields
from enum import IntEnum
from pathlib import Path

import numpy as np

FORMAT = 2
SPACING_M = 1.5  # lane centre lines are resampled evenly, at most this far apart


class LaneKind(IntEnum):
    DRIVE = 0
    CYCLE = 1
    FOOT = 2
    CROSSING = 3
    FOOT_AREA = 4  # where sidewalks and crossings of a junction meet


class Turn(IntEnum):
    """The way a junction lane goes. NONE on ordinary lanes."""

    NONE = 0
    STRAIGHT = 1
    LEFT = 2
    RIGHT = 3
    U_TURN = 4


class RoadClass(IntEnum):
    MOTORWAY = 0
    TRUNK = 1
    PRIMARY = 2
    SECONDARY = 3
    TERTIARY = 4
    RESIDENTIAL = 5
    LIVING = 6
    SERVICE = 7


class Marking(IntEnum):
    """The line on a lane's left edge."""

    NONE = 0
    DASHED = 1
    SOLID = 2
    DOUBLE = 3


class PropKind(IntEnum):
    TREE = 0
    LAMP = 1
    BOLLARD = 2
    BENCH = 3
    BUS_STOP = 4
    PARKED_CAR = 5  # a place where a car may stand: x, y are its middle
    STALL = 6
    PARKED_E_BIKE = 7  # a place where an e-bike may stand, on its stand
    GATE = 8  # posts, housing and the roof over a gate; the arm itself stands at gate_s_m on gate_lane
    PLANTER = 9
    PICKUP_SIGN = 10


# Length, width and height of the props that a car cannot drive through (their meshes are this large), metres.
SOLID_M = {
    PropKind.BOLLARD: (0.2, 0.2, 0.9),
    PropKind.STALL: (1.0, 1.9, 2.2),
    PropKind.PARKED_E_BIKE: (1.75, 0.65, 1.1),
    PropKind.GATE: (0.5, 0.5, 1.1),
    PropKind.PLANTER: (1.2, 0.5, 0.8),
}


@dataclass(frozen=True, slots=True, eq=False)
class Town:
    """L lanes, P lane points, J junctions, H signal heads, G signal programs, K connections, B buildings, Q props.

    Lanes (junction-internal ones, crossings and sidewalks included; all in one table):
      lane_kind, lane_turn, lane_class, lane_marking (L,) uint8; lane_width_m, lane_limit_mps, lane_length_m (L,);
      lane_street (L,) int32: index into `streets` or -1; lane_layer (L,) int8: 0 ground, 1 bridge, -1 tunnel;
      lane_edge (L,) int32: lanes of one carriageway and direction share it; lane_left, lane_right (L,) int32: the
      neighbour of the same carriageway one may change to, or -1; lane_twin (L,) int32: the opposite lane on a street
      that is one surface with two directions (under 5.5 m wide in all), else -1; lane_junction (L,) int32: the
      junction a junction-internal lane lies in, else -1.
      point_start (L + 1,); points (P, 3): the centre line, evenly spaced within a lane, first and last point exact.

    Connections: next_start (L + 1,), next_lane (K,): where each lane leads, straight-on first.
      yield_start (L + 1,), yield_lane (Y,): for a junction-internal lane or crossing, the lanes whose users go first.
      cross_start (L + 1,), cross_lane (X,): all lanes whose swept surfaces meet this one, yielding or not.
      (both tables for crossings too: people on a crossing go before turning cars; cars on a street crossing without
      signals yield to them.)

    Signals: lane_signal (L,) int32: for a junction-internal lane or crossing, its column in signal_state, else -1.
      signal_program (S,) int32: the program that column belongs to.
      program_start (G + 1,), phase_s (F,): the durations of each program's phases, in order, repeating;
      signal_offset_s (G,): a program runs at time t + offset.
      phase_state (F, width) uint8 LampColour: state of the columns of that program, `signal_column` (S,) is which.
      heads: head_lane (H,) int32 the junction-internal lane (or crossing) whose state it shows; head_pose (H, 4)
      x, y, z of the lamp box's middle and the yaw it faces *towards traffic*; head_arrow (H,) uint8 Turn (NONE: round);
      head_countdown (H,) bool: it has digits; head_walk (H,) bool: it is for people.
      stop_s_m (L,): where on an ordinary drive lane its stop line lies, NaN where there is none.
      waiting_s_m (L,): where on a left-turning junction lane its second stop line lies, at the end of a waiting area:
      one may drive up to it while the signal of the straight way beside it is green, and waits there for the arrow;
      NaN where there is none.

    Surroundings: junction_start (J + 1,), junction_points (_, 2): outlines; junction_layer (J,).
      building_start (B + 1,), building_points (_, 2) counter-clockwise, building_height_m (B,),
      building_style (B,) int32.
      prop_kind (Q,) uint8, prop_pose (Q, 3) x, y, yaw, prop_style (Q,) int32, prop_layer (Q,) int8.
      pickup_lane (U,) int32, pickup_s_m (U,), pickup_name (U,) index into `places`.
      lane_walked (L,) bool: a drive lane without a sidewalk, where people walk on the road;
      lane_private (L,) bool: a lane inside a park, on private ground: phones know no route there.
      bay_lane (V,) int32: the drive lane a parking bay is entered from; bay_pose (V, 3): x, y of its middle, and the
      yaw of a car that drove in forwards; bay_size_m (V, 2): its length and width.
      gate_lane (T,) int32, gate_s_m (T,): where a gate's arm lies across a drive lane when it is down. A gate across
      both directions has a row for each.

    meta: name, source, inference notes (how widths and the rest were inferred), origin; of generated towns family
    and ground ("paved" where no grass lies between the streets).
    """

    meta: dict
    streets: tuple[str, ...]
    places: tuple[str, ...]
    lane_kind: np.ndarray
    lane_turn: np.ndarray
    lane_class: np.ndarray
    lane_marking: np.ndarray
    lane_width_m: np.ndarray
    lane_limit_mps: np.ndarray
    lane_length_m: np.ndarray
    lane_street: np.ndarray
    lane_layer: np.ndarray
    lane_edge: np.ndarray
    lane_left: np.ndarray
    lane_right: np.ndarray
    lane_twin: np.ndarray
    lane_junction: np.ndarray
    point_start: np.ndarray
    points: np.ndarray
    next_start: np.ndarray
    next_lane: np.ndarray
    yield_start: np.ndarray
    yield_lane: np.ndarray
    cross_start: np.ndarray
    cross_lane: np.ndarray
    lane_signal: np.ndarray
    signal_program: np.ndarray
    signal_column: np.ndarray
    program_start: np.ndarray
    phase_s: np.ndarray
    signal_offset_s: np.ndarray
    phase_state: np.ndarray
    head_lane: np.ndarray
    head_pose: np.ndarray
    head_arrow: np.ndarray
    head_countdown: np.ndarray
    head_walk: np.ndarray
    stop_s_m: np.ndarray
    waiting_s_m: np.ndarray
    junction_start: np.ndarray
    junction_points: np.ndarray
    junction_layer: np.ndarray
    building_start: np.ndarray
    building_points: np.ndarray
    building_height_m: np.ndarray
    building_style: np.ndarray
    prop_kind: np.ndarray
    prop_pose: np.ndarray
    prop_style: np.ndarray
    prop_layer: np.ndarray
    pickup_lane: np.ndarray
    pickup_s_m: np.ndarray
    pickup_name: np.ndarray
    lane_private: np.ndarray
    lane_walked: np.ndarray
    bay_lane: np.ndarray
    bay_pose: np.ndarray
    bay_size_m: np.ndarray
    gate_lane: np.ndarray
    gate_s_m: np.ndarray

    def __post_init__(self) -> None:
        for name in array_names():
            getattr(self, name).flags.writeable = False

    @property
    def lanes(self) -> int:
        return len(self.lane_kind)

    def line(self, lane: int) -> np.ndarray:
        """Return the centre line (n, 3) of a lane."""
        return self.points[self.point_start[lane] : self.point_start[lane + 1]]

    def following(self, lane: int) -> np.ndarray:
        """Return the lanes that a lane leads to, straight-on first."""
        return self.next_lane[self.next_start[lane] : self.next_start[lane + 1]]

    def pose_at(self, lane: int, s_m: float) -> np.ndarray:
        """Return (x, y, z, yaw) on a lane's centre line, s metres from its start (clamped to the lane)."""
        line = self.line(lane)
        place = np.clip(s_m / max(self.lane_length_m[lane], 1e-6), 0.0, 1.0) * (len(line) - 1)
        index = min(int(place), len(line) - 2)
        ahead = line[index + 1] - line[index]
        x, y, z = line[index] + (place - index) * ahead
        return np.array([x, y, z, np.arctan2(ahead[1], ahead[0])])

    def bay_corners(self) -> np.ndarray:
        """Return the outlines (V, 4, 2) of the parking bays: a car's rear right, front right, front left, rear left."""
        x, y, yaw = self.bay_pose.T
        along = np.stack([np.cos(yaw), np.sin(yaw)], -1)[:, None] * self.bay_size_m[:, None, :1] / 2
        left = np.stack([-np.sin(yaw), np.cos(yaw)], -1)[:, None] * self.bay_size_m[:, None, 1:] / 2
        middle = np.stack([x, y], -1)[:, None]
        return np.concatenate(
            [middle - along - left, middle + along - left, middle + along + left, middle - along + left], 1
        )

    def digest(self) -> str:
        """Return a short hash of everything in the town: two towns with the same digest are the same town.

        What format 1 could not hold counts only where there is some of it: a town without any has the digest it had.
        """
        total = hashlib.sha256(json.dumps([self.meta, self.streets, self.places], sort_keys=True).encode())
        absent = without_extras(self.lanes)
        for name in array_names():
            array = np.ascontiguousarray(getattr(self, name))
            if name not in absent or array.tobytes() != absent[name].tobytes():
                total.update(array.tobytes())
        return total.hexdigest()[:16]


def without_extras(lanes: int) -> dict[str, np.ndarray]:
    """Return the arrays that came with format 2 for a town of so many lanes that has nothing of the kind."""
    return {
        "waiting_s_m": np.full(lanes, np.nan),
        "lane_private": np.zeros(lanes, bool),
        "lane_walked": np.zeros(lanes, bool),
        "bay_lane": np.zeros(0, np.int32),
        "bay_pose": np.zeros((0, 3)),
        "bay_size_m": np.zeros((0, 2)),
        "gate_lane": np.zeros(0, np.int32),
        "gate_s_m": np.zeros(0),
    }


def array_names() -> list[str]:
    return [f.name for f in fields(Town) if f.name not in ("meta", "streets", "places")]


def save_town(town: Town, path: Path) -> None:
    """Write a town to one file, whole or not at all. Raises OSError naming the path when the disk will not take it."""
    path = Path(path)
    partial = path.with_name(path.name + ".part")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            head = {"format": FORMAT, "meta": town.meta, "streets": town.streets, "places": town.places}
            # A fixed date keeps the file itself the same from one build to the next.
            archive.writestr(zipfile.ZipInfo("town.json"), json.dumps(head, ensure_ascii=False), zipfile.ZIP_DEFLATED)
            for name in array_names():
                buffer = io.BytesIO()
                np.save(buffer, getattr(town, name), allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(name + ".npy"), buffer.getvalue(), zipfile.ZIP_DEFLATED)
        partial.replace(path)
    except OSError as error:
        raise OSError(
            f"could not write the town to {path}: {error.strerror or error}; nothing was left behind"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def load_town(path: Path) -> Town:
    """Read a town file, of this format or of format 1, which knew no bays, gates, waiting areas and private lanes.

    Raises ValueError for a file that is not one or was cut short, FileNotFoundError if missing.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no town at {path}; `xiaolu town import MAP --out {path}` makes one from a map")
    try:
        with zipfile.ZipFile(path) as archive:
            head = json.loads(archive.read("town.json"))
            if head["format"] not in (1, FORMAT):
                raise ValueError(
                    f"{path}: town format {head['format']}, this version reads 1 to {FORMAT}; import the map again"
                )
            later = without_extras(0) if head["format"] == 1 else {}
            arrays = {
                name: np.load(io.BytesIO(archive.read(name + ".npy")), allow_pickle=False)
                for name in array_names()
                if name not in later
            }
            if later:
                arrays |= without_extras(len(arrays["lane_kind"]))
    except (zipfile.BadZipFile, KeyError, EOFError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} is not a town file, or was cut short ({error}); a map is made into one by `xiaolu town import`"
        ) from error
    return Town(meta=head["meta"], streets=tuple(head["streets"]), places=tuple(head["places"]), **arrays)
