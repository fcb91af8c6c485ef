"""A Moment from a Step: first a draft with the teacher's answer, then its pictures and dense labels, drawn once.

Drafts are drawn after the ride, when it is known which are worth it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from xiaolu.cameras.rig import project, world_from_camera
from xiaolu.codec.moment import Moment
from xiaolu.core.camera import CameraModel
from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Cause, Decision, LampColour
from xiaolu.core.frames import to_child
from xiaolu.core.observation import Observation
from xiaolu.core.plan import PATH_DISTANCES_M
from xiaolu.core.scene import Scene
from xiaolu.training.labels import cell_labels
from xiaolu.training.lamps import Ahead
from xiaolu.training.shift import NONE, Shift, shifted_pose
from xiaolu.world.town import Town

SIGHT_SLACK_M = 2.0  # a lamp is seen where the depth image is no nearer than it by more than this
SIGNAL_CAMERAS = ("narrow", "wide")
# A user limits the plan whose outline comes this near to the corridor that the ego will sweep.
HAZARD_ASIDE_M = {Cause.LEAD: 0.2, Cause.OBSTACLE: 0.6, Cause.PEDESTRIAN: 1.2}
STANDING_MPS = 0.1
STANDING_FIRST, STANDING_LAST = 8, 6  # moments kept at the beginning and at the end of a long stand


class Pixels(Protocol):
    """What the renderer says of one camera: image (H, W, 3) uint8, classes (H, W) uint8, depth_m (H, W)."""

    image: np.ndarray
    classes: np.ndarray
    depth_m: np.ndarray


@dataclass(frozen=True, slots=True)
class Looks:
    """One moment as the rig saw it: per camera the image, and the labels of its cells."""

    images: dict[str, np.ndarray]
    class_map: dict[str, np.ndarray]
    depth_map: dict[str, np.ndarray]
    sees_signal: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """A Moment without pictures. scene: as the (shifted) rig must be drawn; ahead: the signal that governs."""

    index: int
    window: int
    scene: Scene
    observation: Observation
    answer: Decision
    ahead: Ahead
    looks: Looks | None = None


def shifted_scene(scene: Scene, shift: Shift) -> Scene:
    """Return the scene with the ego moved; everything else is as it was."""
    return scene if shift == NONE else replace(scene, ego_pose=shifted_pose(scene.ego_pose, shift))


def shifted_observation(observation: Observation, shift: Shift) -> Observation:
    """Return the observation (frames left out) with its odometry moved along: the route stays where it is in it."""
    ego = observation.ego
    if shift != NONE:
        ego = replace(ego, odometry=shifted_pose(ego.odometry, shift))
    return replace(observation, frames=(), ego=ego)


def hazard_m(scene: Scene, answer: Decision) -> float:
    """Return how far along the planned path the user lies that limits the plan; inf where none does."""
    if answer.cause not in HAZARD_ASIDE_M:
        return float("inf")
    if np.isfinite(answer.perceived.hazard_m):
        return answer.perceived.hazard_m
    users = scene.users
    near = np.flatnonzero(
        users.active & (np.hypot(users.x_m - scene.ego_pose[0], users.y_m - scene.ego_pose[1]) < 65.0)
    )
    if not len(near):
        return float("inf")
    places = to_child(scene.ego_pose, np.stack([users.x_m, users.y_m], axis=-1)[near])
    away = np.hypot(*(places[:, None] - answer.plan.path[None]).transpose(2, 0, 1))
    at = away.argmin(axis=1)
    half = 0.5 * np.minimum(users.length_m, users.width_m)[near]
    meets = away[np.arange(len(near)), at] < 0.5 * EGO_BODY.width_m + half + HAZARD_ASIDE_M[answer.cause]
    along = PATH_DISTANCES_M[at] - 0.5 * users.length_m[near]
    meets &= places[:, 0] > 0.5 * EGO_BODY.length_m
    return float(along[meets].clip(EGO_BODY.front_x_m).min()) if meets.any() else float("inf")


def looks_of(pixels: Mapping[str, Pixels], scene: Scene, rig: Sequence[CameraModel], town: Town, ahead: Ahead) -> Looks:
    """Return what is kept of a rig's pixels: images, cells, and whether the governing signal can be seen."""
    cells = {c.name: cell_labels(pixels[c.name].classes, pixels[c.name].depth_m) for c in rig}
    return Looks(
        {c.name: np.ascontiguousarray(pixels[c.name].image) for c in rig},
        {name: maps[0] for name, maps in cells.items()},
        {name: maps[1] for name, maps in cells.items()},
        _sees(pixels, scene, rig, town.head_pose[ahead.heads, :3]),
    )


def _sees(pixels: Mapping[str, Pixels], scene: Scene, rig: Sequence[CameraModel], heads: np.ndarray) -> bool:
    """Return whether any of the lamp boxes at heads (n, 3), world frame, is in sight of a camera that looks ahead."""
    for camera in rig:
        if camera.name not in SIGNAL_CAMERAS:
            continue
        camera_from_world = np.linalg.inv(world_from_camera(camera, scene.ego_pose, scene.ego_z_m))
        places, depth_m = project(camera, camera_from_world, heads)
        for (u, v), away_m in zip(places, depth_m, strict=True):
            inside = away_m > 1.0 and 0.0 <= u < camera.width_px and 0.0 <= v < camera.height_px
            if inside and pixels[camera.name].depth_m[int(v), int(u)] > away_m - SIGHT_SLACK_M:
                return True
    return False


def moment_of(draft: Draft) -> Moment:
    """Return the finished Moment of a draft that has been looked at."""
    looks, answer = draft.looks, draft.answer
    assert looks is not None
    seen = draft.ahead if looks.sees_signal else None
    colour = LampColour(int(draft.scene.signal_colour[seen.heads[0]])) if seen else LampColour.NONE
    instruction = draft.observation.instruction
    return Moment(
        episode=0,
        index=draft.index,
        window=draft.window,
        stamp_ns=draft.scene.stamp_ns,
        images=looks.images,
        ego=draft.observation.ego,
        route=draft.observation.route,
        instruction=instruction.text if instruction is not None else "",
        path=answer.plan.path,
        speed_mps=answer.plan.speed_mps,
        strategy=answer.strategy,
        cause=answer.cause,
        signal=colour,
        signal_m=seen.line_m if seen else float("inf"),
        hazard_m=hazard_m(draft.scene, answer),
        class_map=looks.class_map,
        depth_map=looks.depth_map,
    )


def sane(draft: Draft) -> bool:
    """Return whether a label can be learned from: finite, forward, no sharper than a car steers."""
    path, speed = draft.answer.plan.path, draft.answer.plan.speed_mps
    if not (np.isfinite(path).all() and np.isfinite(speed).all()) or draft.answer.cause is Cause.GUARDIAN:
        return False
    step = np.diff(np.concatenate([np.zeros((1, 2)), path]), axis=0)
    heading = np.unwrap(np.concatenate([[0.0], np.arctan2(step[:, 1], step[:, 0])]))
    turn = np.abs(np.diff(heading)) / np.diff(np.concatenate([[0.0], PATH_DISTANCES_M]))
    return bool(path[0, 0] > 0.0 and turn.max() < 0.45)


def without_long_stands(drafts: Sequence[Draft]) -> list[Draft]:
    """Return the drafts, in time order, without the middle of long stands: at a red light nothing new is to be seen."""
    kept: list[Draft] = []
    stand: list[Draft] = []

    def close() -> None:
        long = len(stand) > STANDING_FIRST + STANDING_LAST
        kept.extend(stand[:STANDING_FIRST] + stand[-STANDING_LAST:] if long else stand)
        stand.clear()

    for draft in drafts:
        if abs(draft.observation.ego.speed_mps) < STANDING_MPS:
            stand.append(draft)
            continue
        close()
        kept.append(draft)
    close()
    return kept
