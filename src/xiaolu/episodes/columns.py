"""A Moment as rows of tables and back: the LeRobot features, and the side tables of labels.

LeRobot's own columns hold what a car could know (`observation.*`) and what the teacher did (`action`: path, then
speeds). Labels live beside them in versioned tables of the same rows: `drive-v1` what the teacher meant, `cells-v1`
what each square of CELL_PX pixels shows and how far it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from xiaolu.codec.moment import CELL_PX, Moment
from xiaolu.core.camera import CameraModel
from xiaolu.core.decision import Cause, LampColour, Pace, PathMode, Strategy
from xiaolu.core.observation import EgoState, Manoeuvre, Route
from xiaolu.core.plan import PATH_POINTS, SPEED_KNOTS
from xiaolu.core.rates import SECOND_NS
from xiaolu.episodes.png import png

IMAGE = "observation.images."
STATE_NAMES = (
    "speed_mps",
    "acceleration_mps2",
    "yaw_rate_radps",
    "steering_rad",
    "odometry_x_m",
    "odometry_y_m",
    "odometry_yaw_rad",
)
ROUTE_POINTS = 24  # a longer centre line loses its far end
ROUTE_HEAD = ("known", "manoeuvre", "distance_m", "age_s", "points")
ROUTE_NAMES = (*ROUTE_HEAD, *(f"{axis}_{i}_m" for i in range(ROUTE_POINTS) for axis in "xy"))
ACTION_NAMES = tuple(f"path_{axis}_{i}_m" for i in range(PATH_POINTS) for axis in "xy") + tuple(
    f"speed_{i}_mps" for i in range(SPEED_KNOTS)
)
NO_WISH = "Drive to the destination."  # the task of a moment without an instruction

DRIVE, CELLS = "drive-v1", "cells-v1"
DEPTH_NEAR_M, DEPTH_FAR_M = 0.5, 300.0  # depths are stored as 1 to 255 on a logarithmic scale; 0 is the sky

_PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def lerobot_features(cameras: Sequence[CameraModel]) -> dict[str, dict[str, Any]]:
    """Return info.json's `features`: every column of the data table, its type, shape and the names of its parts."""
    images: dict[str, dict[str, Any]] = {
        IMAGE + c.name: {
            "dtype": "image",
            "shape": [c.height_px, c.width_px, 3],
            "names": ["height", "width", "channels"],
        }
        for c in cameras
    }
    vectors: dict[str, dict[str, Any]] = {
        "observation.state": {"dtype": "float32", "shape": [len(STATE_NAMES)], "names": list(STATE_NAMES)},
        "observation.route": {"dtype": "float32", "shape": [len(ROUTE_NAMES)], "names": list(ROUTE_NAMES)},
        "observation.stamp_ns": {"dtype": "int64", "shape": [1], "names": None},
        "observation.moment": {"dtype": "int64", "shape": [1], "names": None},
        "observation.window": {"dtype": "int64", "shape": [1], "names": None},
        "action": {"dtype": "float32", "shape": [len(ACTION_NAMES)], "names": list(ACTION_NAMES)},
        "timestamp": {"dtype": "float32", "shape": [1], "names": None},
    }
    counters = ("frame_index", "episode_index", "index", "task_index")
    return images | vectors | {name: {"dtype": "int64", "shape": [1], "names": None} for name in counters}


def numbers(moments: Sequence[Moment]) -> dict[str, np.ndarray]:
    """Return the data table's columns of numbers, without LeRobot's counters: (n,) or (n, d)."""
    route = np.zeros((len(moments), len(ROUTE_NAMES)), np.float32)
    for row, moment in zip(route, moments, strict=True):
        if moment.route is not None:
            line = moment.route.centre_line[:ROUTE_POINTS]
            age_s = (moment.stamp_ns - moment.route.stamp_ns) / SECOND_NS
            row[:5] = 1.0, int(moment.route.manoeuvre), moment.route.distance_m, age_s, len(line)
            row[5 : 5 + 2 * len(line)] = line.ravel()
    state = [
        [m.ego.speed_mps, m.ego.acceleration_mps2, m.ego.yaw_rate_radps, m.ego.steering_rad, *m.ego.odometry]
        for m in moments
    ]
    return {
        "observation.state": np.array(state, np.float32),
        "observation.route": route,
        "observation.stamp_ns": np.array([m.stamp_ns for m in moments], np.int64),
        "observation.moment": np.array([m.index for m in moments], np.int64),
        "observation.window": np.array([m.window for m in moments], np.int64),
        "action": np.array([np.concatenate([m.path.ravel(), m.speed_mps]) for m in moments], np.float32),
        "timestamp": np.array([m.stamp_ns / SECOND_NS for m in moments], np.float32),
    }


def pictures(images: Sequence[np.ndarray]) -> pa.Array:
    """Return images (H, W, 3) uint8 as a column of LeRobot's image structs, PNG inside."""
    return pa.array([{"bytes": png(image), "path": None} for image in images], _PICTURE)


def drive_labels(moments: Sequence[Moment]) -> dict[str, Any]:
    """Return the columns of `drive-v1`: what the teacher planned, why, and what it saw."""
    return {
        "path": _vectors(np.array([m.path.ravel() for m in moments], np.float32)),
        "speed_mps": _vectors(np.array([m.speed_mps for m in moments], np.float32)),
        "path_mode": np.array([m.strategy.path for m in moments], np.int8),
        "pace": np.array([m.strategy.pace for m in moments], np.int8),
        "cause": np.array([m.cause for m in moments], np.int8),
        "signal": np.array([m.signal for m in moments], np.int8),
        "signal_m": np.array([m.signal_m for m in moments], np.float32),
        "hazard_m": np.array([m.hazard_m for m in moments], np.float32),
    }


def cell_columns(moments: Sequence[Moment], cameras: Sequence[CameraModel]) -> dict[str, Any]:
    """Return the columns of `cells-v1`: bytes of (H / CELL_PX, W / CELL_PX) uint8 maps. Raises KeyError by camera."""
    columns = {}
    for camera in cameras:
        maps = [m.class_map[camera.name].astype(np.uint8).tobytes() for m in moments]
        depths = [depth_code(m.depth_map[camera.name]).tobytes() for m in moments]
        columns["class." + camera.name] = pa.array(maps, pa.binary())
        columns["depth." + camera.name] = pa.array(depths, pa.binary())
    return columns


def depth_code(depth_m: np.ndarray) -> np.ndarray:
    """Return depths as uint8: 0 for what is beyond DEPTH_FAR_M or inf, else 1 to 255, logarithmic (2.5 % a step)."""
    depth_m = np.asarray(depth_m, np.float64)
    share = np.log(np.clip(depth_m, DEPTH_NEAR_M, DEPTH_FAR_M) / DEPTH_NEAR_M) / np.log(DEPTH_FAR_M / DEPTH_NEAR_M)
    return np.where(depth_m <= DEPTH_FAR_M, 1 + np.round(share * 254), 0).astype(np.uint8)


_DEPTHS_M = DEPTH_NEAR_M * (DEPTH_FAR_M / DEPTH_NEAR_M) ** (np.arange(-1, 255) / 254.0)
_DEPTHS_M[0] = np.inf
_DEPTHS_M = _DEPTHS_M.astype(np.float16)


def depth_of(code: np.ndarray) -> np.ndarray:
    """Return the depths (float16, metres) of codes from `depth_code`."""
    return _DEPTHS_M[code]


def cell_maps(row: Mapping[str, bytes], cameras: Sequence[CameraModel]) -> tuple[dict, dict]:
    """Return (class_map, depth_map) of a moment from one row of `cells-v1`."""
    classes, depths = {}, {}
    for camera in cameras:
        shape = (camera.height_px // CELL_PX, camera.width_px // CELL_PX)
        classes[camera.name] = np.frombuffer(row["class." + camera.name], np.uint8).reshape(shape)
        depths[camera.name] = depth_of(np.frombuffer(row["depth." + camera.name], np.uint8).reshape(shape))
    return classes, depths


def moment_of(
    row: int,
    data: Mapping[str, np.ndarray],
    drive: Mapping[str, np.ndarray],
    task: str,
    episode: int,
    images: Mapping[str, np.ndarray],
    maps: tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]],
) -> Moment:
    """Return the Moment in row `row` of the columns of numbers `data` and labels `drive`."""
    stamp_ns = int(data["observation.stamp_ns"][row])
    state = data["observation.state"][row].astype(np.float64)
    speed, acceleration, yaw_rate, steering = (float(v) for v in state[:4])
    known, manoeuvre, distance_m, age_s, points = (float(v) for v in data["observation.route"][row, :5])
    route = None
    if known:
        line = data["observation.route"][row, 5 : 5 + 2 * int(points)].reshape(-1, 2).astype(np.float64)
        route = Route(stamp_ns - round(age_s * 1e6) * 1000, Manoeuvre(int(manoeuvre)), distance_m, line)
    return Moment(
        episode=episode,
        index=int(data["observation.moment"][row]),
        window=int(data["observation.window"][row]),
        stamp_ns=stamp_ns,
        images=images,
        ego=EgoState(stamp_ns, speed, acceleration, yaw_rate, steering, state[4:].copy()),
        route=route,
        instruction="" if task == NO_WISH else task,
        path=drive["path"][row].reshape(PATH_POINTS, 2).astype(np.float64),
        speed_mps=drive["speed_mps"][row].astype(np.float64),
        strategy=Strategy(PathMode(int(drive["path_mode"][row])), Pace(int(drive["pace"][row]))),
        cause=Cause(int(drive["cause"][row])),
        signal=LampColour(int(drive["signal"][row])),
        signal_m=float(drive["signal_m"][row]),
        hazard_m=float(drive["hazard_m"][row]),
        class_map=maps[0],
        depth_map=maps[1],
    )


def _vectors(rows: np.ndarray) -> pa.Array:
    """Return rows (n, d) as a column of fixed-size lists."""
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])


def table_column(values: np.ndarray) -> pa.Array:
    """Return a column of numbers (n,) or vectors (n, d) for a table."""
    return pa.array(values) if values.ndim == 1 else _vectors(values)


def column_values(column: pa.ChunkedArray) -> np.ndarray:
    """Return a table's column as an array: (n,), or (n, d) for fixed-size lists."""
    if pa.types.is_fixed_size_list(column.type):
        flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(column), column.type.list_size)
    return column.to_numpy()
