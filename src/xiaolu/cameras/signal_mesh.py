"""Signal heads: a dark box with hoods and lamps, and digits that count down. What they show comes from the scene."""

from enum import IntEnum

import numpy as np

from xiaolu.core.decision import LampColour
from xiaolu.core.scene import Scene
from xiaolu.world.town import Town

LAMP_M = 0.38  # lens of a vehicle head; a walk head's is three quarters of it
PITCH_M = 0.46
SIGNAL_VERTEX = np.dtype([("position", "f4", 3), ("normal", "i1", 4), ("uv", "f4", 2), ("part", "u1", 4)])
# state: which lamps are lit, digits and arrow as numbers; see shaders/signal.vert.
SIGNAL = np.dtype([("place", "f4", 4), ("state", "f4", 4)])
BLANK = 10  # the digit that shows nothing


class SignalPart(IntEnum):
    BOX = 0
    HOOD = 1
    LAMP = 2  # uv: place on the lens, -1 to 1; part's second byte: 0 top, 1 middle, 2 bottom
    DIGIT = 3  # second byte: 0 tens, 1 ones
    PANEL = 4


def _quad(corners, part: SignalPart, which: int = 0) -> np.ndarray:
    corner = np.array(corners, float)
    vertices = np.zeros(4, SIGNAL_VERTEX)
    normal = np.cross(corner[2] - corner[0], corner[3] - corner[1])
    vertices["position"] = corner
    vertices["normal"][:, :3] = np.round(normal / np.linalg.norm(normal) * 127)
    vertices["uv"] = [[-1, -1], [1, -1], [1, 1], [-1, 1]]
    vertices["part"][:, 0], vertices["part"][:, 1] = part, which
    return vertices


def _box(x0: float, x1: float, half_y: float, z0: float, z1: float, part: SignalPart) -> list[np.ndarray]:
    y = half_y
    return [
        _quad([(x1, -y, z0), (x1, y, z0), (x1, y, z1), (x1, -y, z1)], part),
        _quad([(x0, y, z0), (x0, -y, z0), (x0, -y, z1), (x0, y, z1)], part),
        _quad([(x1, y, z0), (x0, y, z0), (x0, y, z1), (x1, y, z1)], part),
        _quad([(x0, -y, z0), (x1, -y, z0), (x1, -y, z1), (x0, -y, z1)], part),
        _quad([(x0, -y, z1), (x1, -y, z1), (x1, y, z1), (x0, y, z1)], part),
        _quad([(x0, y, z0), (x1, y, z0), (x1, -y, z0), (x0, -y, z0)], part),
    ]


def head_mesh() -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and triangles of a head: x towards traffic, y to its left, z up from the lamp box's middle."""
    half = 1.5 * PITCH_M + 0.03
    faces = _box(-0.14, 0.08, 0.27, -half, half, SignalPart.BOX)
    r = LAMP_M / 2
    for which, z in enumerate((PITCH_M, 0.0, -PITCH_M)):
        # The driver sees the face from the front: its left is the head's right.
        faces.append(
            _quad(
                [(0.085, -r, z - r), (0.085, r, z - r), (0.085, r, z + r), (0.085, -r, z + r)], SignalPart.LAMP, which
            )
        )
        a, b = (0.085, 0.30)
        top = z + r + 0.015
        faces.append(_quad([(a, -r, top), (b, -r * 0.8, top), (b, r * 0.8, top), (a, r, top)], SignalPart.HOOD))
        faces.append(_quad([(a, r, top), (b, r * 0.8, top), (b, -r * 0.8, top), (a, -r, top)], SignalPart.HOOD))
    faces += _box(-0.10, 0.05, 0.27, -half - 0.62, -half - 0.04, SignalPart.PANEL)
    for which, y in enumerate((-0.12, 0.12)):
        low, high = -half - 0.56, -half - 0.10
        faces.append(
            _quad(
                [(0.056, y - 0.105, low), (0.056, y + 0.105, low), (0.056, y + 0.105, high), (0.056, y - 0.105, high)],
                SignalPart.DIGIT,
                which,
            )
        )
    vertices = np.concatenate(faces)
    first = np.arange(len(faces), dtype=np.int32)[:, None, None] * 4
    triangles = (first + np.array([[0, 1, 2], [0, 2, 3]], np.int32)).reshape(-1, 3)
    return vertices, triangles


def shown_by(town: Town, scene: Scene, near: np.ndarray) -> np.ndarray:
    """Return (n,) SIGNAL of the heads `near`: what each of them shows now. Flashing green blinks once a second."""
    colour = np.asarray(scene.signal_colour)[near]
    flashing = colour == LampColour.FLASHING_GREEN
    lit_half = (scene.stamp_ns // 500_000_000) % 2 == 0
    shown = np.where(flashing, LampColour.GREEN if lit_half else LampColour.DARK, colour)
    shown = np.where(np.isin(shown, (LampColour.RED, LampColour.YELLOW, LampColour.GREEN)), shown, 0)
    countdown = np.asarray(scene.signal_countdown_s)[near]
    counts = np.isfinite(countdown) & ~town.head_walk[near] & (shown > 0)
    seconds = np.clip(np.ceil(np.where(counts, countdown, 0.0)), 0, 99).astype(int)
    tens = np.where(counts & (seconds >= 10), seconds // 10, BLANK)
    ones = np.where(counts, seconds % 10, BLANK)
    heads = np.zeros(len(near), SIGNAL)
    heads["place"] = town.head_pose[near]
    heads["state"][:, 0] = shown
    heads["state"][:, 1] = np.where(town.head_walk[near], 8, town.head_arrow[near])
    heads["state"][:, 2] = tens * 16 + ones
    heads["state"][:, 3] = town.head_countdown[near] & ~town.head_walk[near]
    return heads
