"""What a network is taught at each moment: dense cell labels from pixels, and the plan's targets as columns."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from xiaolu.cameras.classes import PixelClass
from xiaolu.codec.ego import ego_vector
from xiaolu.codec.moment import CELL_PX, Moment, MomentSource
from xiaolu.codec.proposals import PathChoice, nearness, path_choice
from xiaolu.codec.route import route_vector
from xiaolu.codec.text import text_ids
from xiaolu.core.decision import PathMode
from xiaolu.core.rates import SECOND_NS, TRAINING_HZ

# A cell shows the first of these that covers at least so many of its pixels; else what covers most of it. A lamp is a
# few pixels in the narrow camera, and the reason why there is one.
TELLING = (
    (PixelClass.LAMP_RED, 2),
    (PixelClass.LAMP_YELLOW, 2),
    (PixelClass.LAMP_GREEN, 2),
    (PixelClass.PERSON_ARM_RAISED, 3),
    (PixelClass.PERSON, 4),
    (PixelClass.TWO_WHEELER, 5),
    (PixelClass.SIGNAL_BODY, 6),
    (PixelClass.VEHICLE, 10),
    (PixelClass.KERB, 10),
    (PixelClass.MARKING, 10),
)
_TELLING = np.array([cls for cls, _ in TELLING], np.int64)
_LEAST = np.array([count for _, count in TELLING], np.int64)


@njit(cache=True)
def _cells(cls, depth, telling, least, size, out_cls, out_depth):
    counts = np.zeros(256, np.int64)
    sums = np.zeros(256, np.float64)
    for row in range(out_cls.shape[0]):
        for column in range(out_cls.shape[1]):
            counts[:] = 0
            sums[:] = 0.0
            for v in range(row * size, (row + 1) * size):
                for u in range(column * size, (column + 1) * size):
                    one = cls[v, u]
                    counts[one] += 1
                    sums[one] += 1.0 / max(depth[v, u], 1e-3)
            chosen = int(np.argmax(counts))
            for i in range(len(telling)):
                if counts[telling[i]] >= least[i]:
                    chosen = telling[i]
                    break
            out_cls[row, column] = chosen
            inverse = sums[chosen] / counts[chosen]
            out_depth[row, column] = 1.0 / inverse if inverse > 1e-6 else np.inf


def cell_labels(pixel_class: np.ndarray, depth_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (class_map uint8, depth_map float16), (H / CELL_PX, W / CELL_PX) each, of (H, W) label images.

    depth is the harmonic mean over the pixels of the cell's class, inf for sky or an infinite depth.
    """
    rows, columns = pixel_class.shape[0] // CELL_PX, pixel_class.shape[1] // CELL_PX
    out_class, out_depth = np.empty((rows, columns), np.uint8), np.empty((rows, columns), np.float64)
    _cells(
        np.asarray(pixel_class, np.uint8),
        np.asarray(depth_m, np.float64),
        _TELLING,
        _LEAST,
        CELL_PX,
        out_class,
        out_depth,
    )
    out_depth[(out_class == PixelClass.SKY) | (out_depth > 6e4)] = np.inf
    return out_class, out_depth.astype(np.float16)


@dataclass(frozen=True, slots=True)
class Columns:
    """Inputs without pixels, and targets, of N moments in the source's order; (N,) unless said otherwise.

    ego (N, EGO_SIZE), route (N, ROUTE_SIZE), text (N, TEXT_IDS); path (N, PATH_POINTS, 2), speed_mps (N, SPEED_KNOTS);
    choice is a PathChoice; *_near are nearness in 0 to 1; usable is False for what has no proposal (reverse);
    now_mps: the measured speed.
    """

    episode: np.ndarray
    index: np.ndarray
    window: np.ndarray
    stamp_ns: np.ndarray
    ego: np.ndarray
    route: np.ndarray
    text: np.ndarray
    path: np.ndarray
    speed_mps: np.ndarray
    choice: np.ndarray
    pace: np.ndarray
    cause: np.ndarray
    signal: np.ndarray
    signal_near: np.ndarray
    hazard_near: np.ndarray
    now_mps: np.ndarray
    usable: np.ndarray

    def __len__(self) -> int:
        return len(self.episode)

    def fingerprint(self) -> str:
        """Return a short hash by which caches know whether they were made of the same moments."""
        total = hashlib.sha256()
        for name in ("episode", "index", "window", "stamp_ns", "path", "route"):
            total.update(np.ascontiguousarray(getattr(self, name)).tobytes())
        return total.hexdigest()[:16]

    def targets(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        """Return the rows of what the losses compare with."""
        names = ("path", "speed_mps", "choice", "pace", "cause", "signal", "signal_near", "hazard_near")
        return {name: getattr(self, name)[numbers] for name in names}


def row_of(moment: Moment) -> tuple:
    """Return one moment's values for the columns."""
    usable = moment.strategy.path != PathMode.REVERSE
    choice = path_choice(moment.strategy.path, moment.path) if usable else PathChoice.KEEP_AHEAD
    return (
        moment.episode,
        moment.index,
        moment.window,
        moment.stamp_ns,
        ego_vector(moment.ego),
        route_vector(moment.route, moment.ego),
        text_ids(moment.instruction),
        moment.path.astype(np.float32),
        moment.speed_mps.astype(np.float32),
        int(choice),
        int(moment.strategy.pace),
        int(moment.cause),
        int(moment.signal),
        np.float32(nearness(moment.signal_m)),
        np.float32(nearness(moment.hazard_m)),
        np.float32(moment.ego.speed_mps),
        usable,
    )


def columns_of(source: MomentSource, progress: Callable[[int, int], None] | None = None) -> Columns:
    """Read every moment of a source without its pixels. progress(done, of) is called now and then."""
    if not len(source):
        raise ValueError("the source holds no moments: collect some first")
    rows = []
    for number in range(len(source)):
        rows.append(row_of(source.moment(number, pixels=False)))
        if progress and number % 500 == 0:
            progress(number, len(source))
    return Columns(*(np.array(values) for values in zip(*rows, strict=True)))


def memory_links(columns: Columns, steps: int) -> np.ndarray:
    """Return (N, steps + 1) the number of the moment k steps earlier seen by the same rig, -1 where there is none."""
    keys = np.stack([columns.episode, columns.window, columns.index], axis=-1)
    known = {tuple(key): number for number, key in enumerate(keys.tolist())}
    links = np.full((len(columns), steps + 1), -1, np.int64)
    for number, (episode, window, index) in enumerate(keys.tolist()):
        for step in range(steps + 1):
            links[number, step] = known.get((episode, window, index - step), -1)
    return links


def steps_of(ages_s: Sequence[float]) -> np.ndarray:
    """Return how many recorded moments back each slot's age lies."""
    return np.array([round(age * TRAINING_HZ) for age in ages_s], np.int64)


def ages_of(columns: Columns, numbers: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    """Return the ages in s, same shape as `earlier`, of earlier moments (-1 for none, age 0) seen from `numbers`."""
    ages = (columns.stamp_ns[numbers][:, None] - columns.stamp_ns[np.maximum(earlier, 0)]) / SECOND_NS
    return np.where(earlier >= 0, ages, 0.0)


def held_out_moments(columns: Columns, share: float, seed: int) -> np.ndarray:
    """Return (N,) bool: the moments of a share of the episodes, drawn by the seed."""
    episodes = np.unique(columns.episode)
    rng = np.random.default_rng([seed, 0])
    held = rng.permutation(episodes)[: round(share * len(episodes))] if len(episodes) > 1 else episodes[:0]
    return np.isin(columns.episode, held)
