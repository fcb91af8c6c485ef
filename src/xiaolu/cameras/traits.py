"""Who somebody is, drawn once from a user's style: age, build, tempo, and the many small draws that clothes need."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from xiaolu.core.chance import Purpose, uniform
from xiaolu.core.users import Kind

ELDERLY_SHARE = 0.16  # of grown pedestrians; tuned near the share of over-65s among people in Chinese cities
LEFT_HANDED_SHARE = 0.10
SEED = 7  # style is a draw of its own already: this only keeps these draws apart from others'


class Draw(IntEnum):
    """The draws a person carries, one row of `Traits.draw` each."""

    AGE = 0
    BUILD = 1
    SHAPE = 2
    HAND = 3
    TEMPO = 4
    RATE = 5
    SIZE = 6
    PAUSE = 7
    WAY = 8
    ELEVATION = 9
    PLANE = 10
    DROOP = 11
    BEND = 12
    HEAD = 13
    IDLE = 14
    STANCE = 15
    SWING = 16
    TOP = 17
    TROUSERS = 18
    SKIN = 19
    HAIR = 20
    WARM = 21
    HAT = 22
    EXTRA = 23
    THING = 24
    SHINS = 25


@dataclass(frozen=True, slots=True)
class Traits:
    """n people. kind, style (n,); draw (Draw, n) in [0, 1); child, elderly, left_handed (n,) bool; build (n,): width
    over that of the reference body."""

    kind: np.ndarray
    style: np.ndarray
    draw: np.ndarray
    child: np.ndarray
    elderly: np.ndarray
    left_handed: np.ndarray
    build: np.ndarray

    def __getitem__(self, index) -> "Traits":
        """Return the traits of some of the people."""
        return Traits(
            self.kind[index],
            self.style[index],
            self.draw[:, index],
            self.child[index],
            self.elderly[index],
            self.left_handed[index],
            self.build[index],
        )


def traits_of(kind: np.ndarray, style: np.ndarray) -> Traits:
    """Return the traits of people of kinds and styles (n,)."""
    kind, style = np.asarray(kind), np.asarray(style, np.int64)
    draw = uniform(SEED, style, 0, Purpose.STYLE, np.arange(len(Draw))[:, None]).reshape(len(Draw), len(style))
    child = kind == Kind.CHILD
    elderly = (kind == Kind.PEDESTRIAN) & (draw[Draw.AGE] < ELDERLY_SHARE)
    # Most are slim, a few broad; the heavy tail is where clothes and bellies are.
    build = 0.88 + 0.34 * draw[Draw.BUILD] ** 1.6
    return Traits(kind, style, draw, child, elderly, draw[Draw.HAND] < LEFT_HANDED_SHARE, np.where(child, 0.9, build))
