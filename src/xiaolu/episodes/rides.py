"""Ride logs: the Steps of a ride to one MCAP file and back.

A log holds every Step without loss (topic /ride/step, JSON by `record`), and beside it what a person wants to see in
Foxglove, Lichtblick or Rerun (`viewer`). Pictures are stored losslessly, as JPEG for the eye only, or not at all: a
renderer makes the same pixels again from the Step's scene.

Log time is ride time. A log is written in chunks of a second; until it is closed it is called *.part, and it is
readable up to its last whole chunk, whatever ended the writing process.
"""

import io
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import foxglove
import numpy as np
import zstandard
from foxglove.channels import (
    CameraCalibrationChannel,
    CompressedImageChannel,
    FrameTransformsChannel,
    LogChannel,
    SceneUpdateChannel,
)
from foxglove.mcap import MCAPCompression, MCAPWriteOptions
from mcap.exceptions import InvalidMagic, McapError
from mcap.records import Channel, Footer, Message
from mcap.stream_reader import StreamReader
from PIL import Image

from xiaolu.core.camera import CameraFrame, CameraModel
from xiaolu.core.episode import SCHEMA, Event, Header, Step
from xiaolu.core.rates import TICK_HZ
from xiaolu.episodes import viewer
from xiaolu.episodes.record import from_record, schema_of, to_record

HEADER_TOPIC, STEP_TOPIC, EVENTS_TOPIC = "/ride/header", "/ride/step", "/ride/events"
CAMERA_TOPIC = "/camera/{name}/image"
FLUSH_STEPS = TICK_HZ  # a chunk a second


class Pictures(StrEnum):
    """What a ride log keeps of the camera frames."""

    LOSSLESS = "lossless"
    JPEG = "jpeg"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class _Exposure:
    """A frame without its pixels, as a step's record holds it."""

    camera: CameraModel
    exposed_ns: int


class RideWriter:
    """A Subscriber that writes one ride to `path`. Raises OSError when the disk will not take it."""

    def __init__(self, path: Path, pictures: Pictures = Pictures.JPEG) -> None:
        self.path = Path(path)
        self.part = part_of(self.path)
        self.pictures = Pictures(pictures)
        self._file: io.BufferedWriter | None = None

    def on_start(self, header: Header) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.part.open("wb")
        context = foxglove.Context()
        options = MCAPWriteOptions(
            compression=MCAPCompression.Zstd, profile="xiaolu", disable_seeking=True, compression_threads=0
        )
        self._writer = foxglove.open_mcap(self._file, context=context, writer_options=options)
        self._context = context
        self._header = self._json_channel(HEADER_TOPIC, Header)
        self._step = self._json_channel(STEP_TOPIC, Step)
        self._events = self._json_channel(EVENTS_TOPIC, Event)
        self._transforms = FrameTransformsChannel("/tf", context=context)
        self._users = SceneUpdateChannel("/scene/users", context=context)
        self._plan = SceneUpdateChannel("/scene/plan", context=context)
        self._words = LogChannel("/words", context=context)
        self._images: dict[str, CompressedImageChannel] = {}
        self._last_why = ""
        self._last_ns = 0
        self._header.log(_text(to_record(header)), log_time=0)
        self._flush()

    def on_step(self, step: Step) -> None:
        stamp_ns = self._last_ns = step.observation.stamp_ns
        record = to_record(replace(step, observation=replace(step.observation, frames=())))
        record["observation"]["frames"] = [
            to_record(_Exposure(frame.camera, frame.exposed_ns)) for frame in step.observation.frames
        ]
        self._step.log(_text(record), log_time=stamp_ns)
        self._transforms.log(viewer.transforms(step), log_time=stamp_ns)
        self._users.log(viewer.road_users(step), log_time=stamp_ns)
        self._plan.log(viewer.plan(step), log_time=stamp_ns)
        if self.pictures is not Pictures.NONE:
            for frame in step.observation.frames:
                self._image_channel(frame.camera, stamp_ns).log(
                    viewer.picture(frame, self.pictures is Pictures.LOSSLESS), log_time=stamp_ns
                )
        if step.decision.why and step.decision.why != self._last_why:
            self._words.log(viewer.word(stamp_ns, "driver", step.decision.why), log_time=stamp_ns)
            self._last_why = step.decision.why
        if step.vetoed:
            self._words.log(viewer.word(stamp_ns, "guardian", step.vetoed, warning=True), log_time=stamp_ns)
        if step.index % FLUSH_STEPS == FLUSH_STEPS - 1:
            self._flush()

    def on_end(self, events: tuple[Event, ...]) -> None:
        self._events.log(_text({"events": to_record(events)}), log_time=self._last_ns)
        for event in events:
            text = f"{event.kind}: {event.detail}" if event.detail else event.kind
            self._words.log(viewer.word(event.from_ns, "event", text, warning=True), log_time=event.from_ns)
        assert self._file is not None
        try:
            self._writer.close()
            self._file.close()
            self.part.replace(self.path)
        except (OSError, RuntimeError) as error:
            raise OSError(
                f"could not finish the ride log {self.path}: {error}; what there is lies in {self.part}"
            ) from error

    def _json_channel(self, topic: str, kind: type) -> foxglove.Channel:
        schema = schema_of(kind)
        if kind is Event:
            schema = {"type": "object", "properties": {"events": {"type": "array", "items": schema}}}
        text = json.dumps({"title": f"xiaolu.{kind.__name__}", **schema}).encode()
        return foxglove.Channel(
            topic,
            schema=foxglove.Schema(name=f"xiaolu.{kind.__name__}", encoding="jsonschema", data=text),
            message_encoding="json",
            context=self._context,
        )

    def _image_channel(self, camera: CameraModel, stamp_ns: int) -> CompressedImageChannel:
        if camera.name not in self._images:
            topic = CAMERA_TOPIC.format(name=camera.name)
            self._images[camera.name] = CompressedImageChannel(topic, context=self._context)
            mount = CameraCalibrationChannel(topic.replace("/image", "/calibration"), context=self._context)
            mount.log(viewer.calibration(camera, stamp_ns), log_time=stamp_ns)
            self._transforms.log(viewer.camera_mount(camera, stamp_ns), log_time=stamp_ns)
        return self._images[camera.name]

    def _flush(self) -> None:
        assert self._file is not None
        try:
            self._writer.flush()
            self._file.flush()
        except (OSError, RuntimeError) as error:
            raise OSError(f"could not write the ride log {self.part}: {error}") from error


@dataclass(slots=True)
class RideLog:
    """A recorded ride. Iterating `steps()` reads the file; `events` and `whole` are known after a full pass."""

    path: Path
    header: Header
    events: tuple[Event, ...] = ()
    whole: bool = field(default=False)

    def steps(self) -> Iterator[Step]:
        """Yield the Steps in order; frames are there only where pictures were stored losslessly.

        A log that was cut short ends early, at the last whole chunk; `whole` is then False.
        """
        waiting: Step | None = None
        exposures: list[_Exposure] = []
        images: dict[tuple[str, int], np.ndarray] = {}
        for topic, message in _messages(self.path):
            if message is None:
                self.whole = True
            elif topic == STEP_TOPIC:
                if waiting is not None:
                    yield _with_frames(waiting, exposures, images)
                record = json.loads(message.data)
                exposures = [from_record(_Exposure, one) for one in record["observation"].pop("frames")]
                record["observation"]["frames"] = []
                waiting, images = from_record(Step, record), {}
            elif topic == EVENTS_TOPIC:
                self.events = from_record(tuple[Event, ...], json.loads(message.data)["events"])
            elif topic.startswith("/camera/") and topic.endswith("/image"):
                name, exposed_ns, data, format = _compressed_image(message.data)
                if format == "png":
                    images[name, exposed_ns] = np.asarray(Image.open(io.BytesIO(data)))
        if waiting is not None:
            yield _with_frames(waiting, exposures, images)

    def pictures(self, camera: str) -> Iterator[tuple[int, np.ndarray]]:
        """Yield (exposed_ns, image (H, W, 3) uint8) of one camera, in whatever quality they were stored."""
        for topic, message in _messages(self.path):
            if message is not None and topic == CAMERA_TOPIC.format(name=camera):
                _, exposed_ns, data, _ = _compressed_image(message.data)
                yield exposed_ns, np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def part_of(path: Path) -> Path:
    """Return what a log is called while it is being written."""
    return path.with_name(path.name + ".part")


def read_ride(path: Path) -> RideLog:
    """Open a ride log, or what a killed process left of it (its *.part).

    Raises FileNotFoundError where neither is, ValueError for a file that is no ride log or holds no header.
    """
    path = Path(path)
    if not path.exists() and part_of(path).exists():
        path = part_of(path)
    if not path.exists():
        raise FileNotFoundError(f"no ride log at {path}; `xiaolu drive --log {path}` writes one")
    for topic, message in _messages(path):
        if message is not None and topic == HEADER_TOPIC:
            record = json.loads(message.data)
            if record.get("schema") != SCHEMA:
                raise ValueError(f"{path}: ride schema {record.get('schema')}, this version reads {SCHEMA}")
            return RideLog(path, from_record(Header, record))
    raise ValueError(f"{path} holds no ride header: it is not a ride log, or was cut off in its first second")


def _messages(path: Path) -> Iterator[tuple[str, Message | None]]:
    """Yield (topic, message) in file order; ("", None) at the end of a log that was closed. Stops where it was cut."""
    topics: dict[int, str] = {}
    with path.open("rb") as file:
        records = StreamReader(file, record_size_limit=2**31).records
        while True:
            try:
                record = next(records, None)
            except InvalidMagic as error:
                raise ValueError(f"{path} is not an MCAP file") from error
            except (McapError, struct.error, zstandard.ZstdError):
                return  # cut off in the middle of a chunk: what came before is whole
            if record is None:
                return
            if isinstance(record, Channel):
                topics[record.id] = record.topic
            elif isinstance(record, Message):
                yield topics[record.channel_id], record
            elif isinstance(record, Footer):
                yield "", None


def _with_frames(step: Step, exposures: list[_Exposure], images: dict[tuple[str, int], np.ndarray]) -> Step:
    frames = tuple(
        CameraFrame(one.camera, one.exposed_ns, images[one.camera.name, one.exposed_ns])
        for one in exposures
        if (one.camera.name, one.exposed_ns) in images
    )
    return replace(step, observation=replace(step.observation, frames=frames))


def _text(record: Any) -> bytes:
    return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _compressed_image(data: bytes) -> tuple[str, int, bytes, str]:
    """Return (frame_id, exposed_ns, image data, format) of a protobuf-encoded foxglove.CompressedImage."""
    fields_ = dict(_protobuf_fields(data))
    stamp = dict(_protobuf_fields(fields_.get(1, b"")))
    exposed_ns = int(stamp.get(1, 0)) * 1_000_000_000 + int(stamp.get(2, 0))
    return fields_.get(4, b"").decode(), exposed_ns, fields_.get(2, b""), fields_.get(3, b"").decode()


def _protobuf_fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Yield (field number, value) of a protobuf message; only varints and length-delimited fields occur here."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        value, place = _varint(data, place)
        if kind == 2:
            yield number, bytes(data[place : place + value])
            place += value
        elif kind == 0:
            yield number, value
        else:
            raise ValueError(f"protobuf wire type {kind} in a foxglove.CompressedImage")


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
