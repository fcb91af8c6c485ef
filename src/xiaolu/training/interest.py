"""How often each moment is shown: what is rare and matters more, long waits less."""

import numpy as np

from xiaolu.cameras.classes import PixelClass
from xiaolu.codec.ego import STANDING_MPS
from xiaolu.codec.proposals import PathChoice
from xiaolu.core.decision import Cause, LampColour, Pace
from xiaolu.training.labels import Columns, memory_links
from xiaolu.training.loader import FrameStore

VULNERABLE = (PixelClass.PERSON, PixelClass.PERSON_ARM_RAISED, PixelClass.TWO_WHEELER)
NEAR_M = 12.0  # people and riders within this decide what is driven
NEAR_CELLS = 2  # in one camera: less is a limb behind a car


def people_near(store: FrameStore) -> np.ndarray:
    """Return (N,) bool: a person or a rider is near in some camera but the rear one. The store must be filled."""
    near = np.zeros(store.count, bool)
    for camera in store.source.cameras:
        if camera.name != "rear":
            near |= store.shows(camera.name, VULNERABLE, NEAR_M) >= NEAR_CELLS
    return near


def interest_of(columns: Columns, near: np.ndarray) -> np.ndarray:
    """Return (N,) how often each moment should be shown, 1 for an ordinary one; near: see people_near."""
    interest = np.ones(len(columns), np.float32)
    waiting = (columns.now_mps < STANDING_MPS) & (columns.pace == Pace.STOP)
    before = memory_links(columns, 1)[:, 1]
    still_waiting = waiting & (before >= 0) & waiting[before]
    turning = np.isin(columns.choice, (PathChoice.KEEP_LEFT, PathChoice.KEEP_RIGHT))
    interest[turning] = 2.0
    interest[columns.choice >= PathChoice.CHANGE_LEFT] = 1.5
    interest[(columns.now_mps < 1.0) & (columns.speed_mps[:, -1] > 1.5)] = 2.5
    interest[(columns.cause == Cause.SIGNAL) & (columns.now_mps > 1.0)] = 1.5
    interest[np.isin(columns.signal, (LampColour.YELLOW, LampColour.FLASHING_GREEN))] = 3.0
    interest[near & (columns.now_mps > 0.5)] *= 2.0
    interest[still_waiting] = 0.35
    interest[~columns.usable] = 0.0
    return interest
