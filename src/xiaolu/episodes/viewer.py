"""What a person sees of a ride in Foxglove, Lichtblick or Rerun: poses, road users, the plan, words. Foxglove schemas.

Derived from a Step; nothing is read back from these messages. Frames: "world" (x east, y north, z up) and "ego".
"""

import io

import numpy as np
from foxglove.messages import (
    CameraCalibration,
    Color,
    CompressedImage,
    CubePrimitive,
    FrameTransform,
    FrameTransforms,
    LinePrimitive,
    LinePrimitiveLineType,
    Log,
    LogLevel,
    Point3,
    Pose,
    Quaternion,
    SceneEntity,
    SceneUpdate,
    Timestamp,
    Vector3,
)
from PIL import Image

from xiaolu.core.camera import CameraFrame, CameraModel
from xiaolu.core.control import EGO_BODY
from xiaolu.core.episode import Step
from xiaolu.core.rates import SECOND_NS
from xiaolu.core.users import VULNERABLE, Kind
from xiaolu.episodes.png import png

EGO_COLOUR = Color(r=0.16, g=0.5, b=0.95, a=0.9)
PLAN_COLOUR = Color(r=0.1, g=0.8, b=0.4, a=0.9)
VEHICLE_COLOUR = Color(r=0.72, g=0.74, b=0.78, a=0.9)
VULNERABLE_COLOUR = Color(r=0.98, g=0.6, b=0.15, a=0.95)
TOUCHING_COLOUR = Color(r=0.9, g=0.1, b=0.1, a=1.0)

JPEG_QUALITY = 85


def timestamp(stamp_ns: int) -> Timestamp:
    return Timestamp(sec=stamp_ns // SECOND_NS, nsec=stamp_ns % SECOND_NS)


def transforms(step: Step) -> FrameTransforms:
    """Return the tree of frames at a step: world to ego."""
    x, y, yaw = (float(v) for v in step.scene.ego_pose)
    return FrameTransforms(
        transforms=[
            FrameTransform(
                timestamp=timestamp(step.scene.stamp_ns),
                parent_frame_id="world",
                child_frame_id="ego",
                translation=Vector3(x=x, y=y, z=step.scene.ego_z_m),
                rotation=_turned(yaw),
            )
        ]
    )


def camera_mount(camera: CameraModel, stamp_ns: int) -> FrameTransforms:
    """Return where a camera sits on the ego; its frame bears the camera's name."""
    place = camera.ego_from_camera[:3, 3]
    return FrameTransforms(
        transforms=[
            FrameTransform(
                timestamp=timestamp(stamp_ns),
                parent_frame_id="ego",
                child_frame_id=camera.name,
                translation=Vector3(x=float(place[0]), y=float(place[1]), z=float(place[2])),
                rotation=_quaternion(camera.ego_from_camera[:3, :3]),
            )
        ]
    )


def calibration(camera: CameraModel, stamp_ns: int) -> CameraCalibration:
    """Return a camera's intrinsics, so that viewers can draw the scene into its picture."""
    k = camera.intrinsics
    return CameraCalibration(
        timestamp=timestamp(stamp_ns),
        frame_id=camera.name,
        width=camera.width_px,
        height=camera.height_px,
        K=[float(v) for v in k.ravel()],
        P=[float(v) for v in np.hstack([k, np.zeros((3, 1))]).ravel()],
    )


def road_users(step: Step) -> SceneUpdate:
    """Return the active users as boxes in the world frame, the ego as a box in its own."""
    users, touching = step.scene.users, step.scene.touching
    cubes = [_user_box(users, int(i), bool(touching[i])) for i in np.flatnonzero(users.active)]
    body = CubePrimitive(
        pose=Pose(
            position=Vector3(x=EGO_BODY.centre_x_m, y=0.0, z=EGO_BODY.height_m / 2), orientation=Quaternion(w=1.0)
        ),
        size=Vector3(x=EGO_BODY.length_m, y=EGO_BODY.width_m, z=EGO_BODY.height_m),
        color=EGO_COLOUR,
    )
    stamp = timestamp(step.scene.stamp_ns)
    return SceneUpdate(
        entities=[
            SceneEntity(timestamp=stamp, frame_id="world", id="users", cubes=cubes),
            SceneEntity(timestamp=stamp, frame_id="ego", id="ego", frame_locked=True, cubes=[body]),
        ]
    )


def plan(step: Step) -> SceneUpdate:
    """Return the decision's path as a line in the ego frame, as far as its speed profile reaches."""
    decision = step.decision
    points = [Point3(x=0.0, y=0.0, z=0.05), *(Point3(x=float(x), y=float(y), z=0.05) for x, y in decision.plan.path)]
    line = LinePrimitive(
        type=LinePrimitiveLineType.LineStrip,
        pose=Pose(position=Vector3(), orientation=Quaternion(w=1.0)),
        thickness=0.25,
        points=points,
        color=PLAN_COLOUR,
    )
    stamp = timestamp(decision.stamp_ns)
    return SceneUpdate(entities=[SceneEntity(timestamp=stamp, frame_id="ego", id="plan", lines=[line])])


def word(stamp_ns: int, name: str, message: str, warning: bool = False) -> Log:
    """Return a log line: why the driver did something, or what happened."""
    level = LogLevel.Warning if warning else LogLevel.Info
    return Log(timestamp=timestamp(stamp_ns), level=level, name=name, message=message)


def picture(frame: CameraFrame, lossless: bool) -> CompressedImage:
    """Return a frame as PNG, or as JPEG for people's eyes only."""
    if lossless:
        data = png(frame.image)
    else:
        file = io.BytesIO()
        Image.fromarray(frame.image).save(file, "JPEG", quality=JPEG_QUALITY)
        data = file.getvalue()
    return CompressedImage(
        timestamp=timestamp(frame.exposed_ns),
        frame_id=frame.camera.name,
        data=data,
        format="png" if lossless else "jpeg",
    )


def _user_box(users, index: int, touching: bool) -> CubePrimitive:
    height = float(users.height_m[index])
    kind = Kind(int(users.kind[index]))
    colour = TOUCHING_COLOUR if touching else VULNERABLE_COLOUR if kind in VULNERABLE else VEHICLE_COLOUR
    position = Vector3(x=float(users.x_m[index]), y=float(users.y_m[index]), z=float(users.z_m[index]) + height / 2)
    size = Vector3(x=float(users.length_m[index]), y=float(users.width_m[index]), z=height)
    return CubePrimitive(
        pose=Pose(position=position, orientation=_turned(float(users.yaw_rad[index]))), size=size, color=colour
    )


def _turned(yaw_rad: float) -> Quaternion:
    return Quaternion(z=float(np.sin(yaw_rad / 2)), w=float(np.cos(yaw_rad / 2)))


def _quaternion(rotation: np.ndarray) -> Quaternion:
    """Return the unit quaternion of a rotation matrix (3, 3): the eigenvector method of Bar-Itzhack (2000)."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    k = (
        np.array(
            [
                [xx - yy - zz, xy + yx, xz + zx, zy - yz],
                [xy + yx, yy - xx - zz, yz + zy, xz - zx],
                [xz + zx, yz + zy, zz - xx - yy, yx - xy],
                [zy - yz, xz - zx, yx - xy, xx + yy + zz],
            ]
        )
        / 3.0
    )
    x, y, z, w = (float(v) for v in np.linalg.eigh(k)[1][:, -1])
    return Quaternion(x=x, y=y, z=z, w=w)
