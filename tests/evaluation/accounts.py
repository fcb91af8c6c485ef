"""Rides made by hand for the checks: a straight way along x, the ego's front and actors as functions of time."""

from dataclasses import replace

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.evaluation.account import Account, account_frames, corners_of

END_S_M = 200.0


def account(front_s_m, left_m=0.0, actors=(), colour=LampColour.NONE, line_s_m=np.nan, **others) -> Account:
    """Return the account of an ego whose front is at front_s_m (T,) on a straight way.

    actors: a dict each with s_m, left_m, yaw_rad, size_m (length, width), act, there; numbers or (T,).
    """
    front = np.asarray(front_s_m, np.float64)
    ticks = len(front)

    def series(value):
        return np.broadcast_to(np.asarray(value), (ticks,)).copy()

    def table(name, default):
        return (
            np.stack([series(actor.get(name, default)) for actor in actors], axis=1) if actors else np.empty((ticks, 0))
        )

    left = series(float(left_m) if np.ndim(left_m) == 0 else left_m)
    pose = np.stack([front - EGO_BODY.front_x_m, left, np.zeros(ticks)], axis=1)
    there = table("there", True).astype(bool)
    size = [np.broadcast_to(np.asarray(actor.get("size_m", (4.5, 1.8)), float), (ticks, 2)) for actor in actors]
    s, aside, yaw = table("s_m", 0.0), table("left_m", 0.0), table("yaw_rad", 0.0)
    box = np.concatenate([np.stack([s, aside, yaw], axis=-1), np.stack(size, axis=1)], axis=-1) if actors else None
    box = np.empty((ticks, 0, 5)) if box is None else np.where(there[..., None], box, np.nan)
    ahead, beside, clearance = account_frames(pose, box, there)
    uid = np.broadcast_to(np.arange(max(len(actors), 1)), (ticks, max(len(actors), 1)))
    made = Account(
        stamp_ns=np.arange(ticks) * 100_000_000,
        front_s_m=front,
        left_m=left,
        yaw_rad=np.zeros(ticks),
        speed_mps=np.gradient(front) * 10.0,
        pose=pose,
        end_s_m=END_S_M,
        line_ahead_m=line_s_m - front,
        colour=series(colour),
        held_by_signal=np.zeros(ticks, bool),
        in_way=np.zeros(uid.shape, bool),
        uid=uid,
        touching=np.zeros(uid.shape, bool),
        heading_error_rad=np.zeros(ticks),
        braking_behind_mps2=np.zeros(ticks),
        there=there,
        act=table("act", -1).astype(int),
        actor_s_m=box[..., 0],
        actor_left_m=box[..., 1],
        actor_yaw_rad=box[..., 2],
        corner_s_m=corners_of(box)[..., 0],
        corner_left_m=corners_of(box)[..., 1],
        actor_size_m=box[..., 3:],
        ahead_m=ahead,
        aside_m=beside,
        clearance_m=clearance,
        kerb_gap_m=0.3,
    )
    return replace(made, **others)


def drive(*pieces) -> np.ndarray:
    """Return front positions (T,): pieces of (seconds, m/s), from 0, sampled at 10 Hz."""
    speed = np.concatenate([np.full(round(10 * seconds), float(mps)) for seconds, mps in pieces])
    return np.concatenate([[0.0], np.cumsum(speed) * 0.1])
