"""The driver that sits in the car: a checkpoint's two graphs on ONNX Runtime, and the memory between calls."""

import json
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from xiaolu.codec.contract import camera_record, load_contract, refuse_mismatch
from xiaolu.codec.decision import NOBODY, blind_decision, decision_of, stands_for_nothing
from xiaolu.codec.ego import ego_vector
from xiaolu.codec.memory import MemoryLayout, TokenMemory
from xiaolu.codec.people import agreed, lasting, people_seen
from xiaolu.codec.proposals import OUTPUTS, Proposals, proposals_of
from xiaolu.codec.route import route_vector
from xiaolu.codec.text import text_ids
from xiaolu.core.camera import CameraFrame, CameraModel
from xiaolu.core.decision import Decision
from xiaolu.core.observation import EgoState, Observation
from xiaolu.core.rates import SECOND_NS

PEOPLE_S = 0.3  # who was seen longer ago than this is somewhere else
BLIND_S = 0.5  # with no front frame younger than this the driver stops
FRONT = ("narrow", "wide")


class OnnxDriver:
    """Drives on frames, speed, route and words. folder: a checkpoint with its exported graphs.

    Missing cameras, no frames, late, repeated and out-of-order frames never raise: what is not there is masked, and
    blind it stops. A frame from another camera than the contract's raises ContractError, naming the field.
    """

    def __init__(self, folder: Path | str, threads: int = 2) -> None:
        """Load and warm up. Raises FileNotFoundError naming the missing file, ContractError on a mismatch."""
        folder = Path(folder)
        self.contract = load_contract(folder)
        self.name = str(json.loads((folder / "config.json").read_text(encoding="utf-8"))["name"])
        layout = MemoryLayout(self.contract)
        self.cameras = layout.cameras
        self.front = tuple(name for name in FRONT if name in self.cameras) or self.cameras
        self.memory = TokenMemory(layout, self.contract.memory_s)
        mount = self.contract.camera(self.front[0]).ego_from_camera
        self.eye = float(mount[0, 3]), float(mount[1, 3])
        self.glimpsed = NOBODY
        self.stands_since_ns: int | None = None
        self.people: dict[str, tuple[int, np.ndarray]] = {}
        self.seen: dict[str, CameraModel] = {}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that spin between calls would take the time of whatever else runs on the car's computer.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.kinds = {name: self.kind(self.contract.camera(name)) for name in self.cameras}
        self.encoders = {
            kind: session(folder / f"encode_{kind}.onnx", options) for kind in dict.fromkeys(self.kinds.values())
        }
        self.decider = session(folder / "decide.onnx", options)
        self.warm_up()

    @staticmethod
    def kind(camera: CameraModel) -> str:
        return f"{camera.width_px}x{camera.height_px}"

    def warm_up(self) -> None:
        """Run every graph on nothing, so that the first real frame is as fast as the rest."""
        for kind, encoder in self.encoders.items():
            cameras = [self.contract.camera(name) for name in self.cameras if self.kinds[name] == kind]
            height, width = cameras[0].height_px, cameras[0].width_px
            for count in {1, len(cameras)}:
                encoder.run(None, {"frames": np.zeros((count, height, width, 3), np.uint8)})
        still = EgoState(0, 0.0, 0.0, 0.0, 0.0, np.zeros(3))
        for _ in range(2):
            self.propose(Observation(0, (), still))

    def reset(self, seed: int) -> None:
        """Forget everything. The network has no chance in it, so the seed changes nothing."""
        self.memory.restore({name: {} for name in self.cameras})
        self.people.clear()
        self.glimpsed = NOBODY
        self.stands_since_ns = None

    def drive(self, observation: Observation) -> Decision:
        """Return the decision for a moment; wall_s holds what it took on this machine."""
        started = time.perf_counter()
        self.see(observation)
        now_ns, ego = observation.stamp_ns, observation.ego
        if min(self.memory.age_s(name, now_ns) for name in self.front) > BLIND_S:
            decision = blind_decision(ego, now_ns, "no front camera shows anything")
            self.stands_since_ns = None
        else:
            people = self.people_now(now_ns)
            people, self.glimpsed = lasting(people, self.glimpsed, self.eye), people
            since_ns = now_ns if self.stands_since_ns is None else self.stands_since_ns
            decision = decision_of(self.propose(observation), ego, now_ns, people, (now_ns - since_ns) / SECOND_NS)
            self.stands_since_ns = since_ns if stands_for_nothing(decision, ego) else None
        return replace(decision, wall_s=time.perf_counter() - started)

    def see(self, observation: Observation) -> None:
        """Turn new frames into remembered tokens, those of one size in one pass."""
        now_ns = observation.stamp_ns
        fresh: dict[str, list[CameraFrame]] = {}
        for frame in self.wanted(observation.frames):
            new = not self.memory.holds(frame.camera.name, frame.exposed_ns)
            if new and 0 <= now_ns - frame.exposed_ns <= self.memory.memory_ns:
                fresh.setdefault(self.kinds[frame.camera.name], []).append(frame)
        for kind, frames in fresh.items():
            stacked = {"frames": np.stack([frame.image for frame in frames])}
            tokens, people, depth_m = self.encoders[kind].run(["tokens", "people", "depth_m"], stacked)
            for frame, *one in zip(frames, tokens, people, depth_m, strict=True):
                self.memory.add(frame.camera.name, frame.exposed_ns, one[0])
                if frame.exposed_ns >= self.people.get(frame.camera.name, (0,))[0]:
                    self.people[frame.camera.name] = frame.exposed_ns, people_seen(frame.camera, one[1], one[2])
        self.memory.forget(now_ns)

    def people_now(self, now_ns: int) -> np.ndarray:
        """Return points (K, 2) where the newest frames of the cameras that look ahead or aside show somebody."""
        fresh = [
            points
            for name, (stamp_ns, points) in self.people.items()
            if name != "rear" and now_ns - stamp_ns <= PEOPLE_S * SECOND_NS
        ]
        return agreed(fresh, self.eye)

    def wanted(self, frames: Iterable[CameraFrame]) -> Iterable[CameraFrame]:
        """Yield the frames of the contract's cameras; ContractError for a camera that is not the contract's."""
        for frame in frames:
            name = frame.camera.name
            if name not in self.cameras:
                continue
            if self.seen.get(name) is not frame.camera:
                ours = camera_record(self.contract.camera(name))
                refuse_mismatch(ours, camera_record(frame.camera), self.name, f"cameras.{name}")
                self.seen[name] = frame.camera
            yield frame

    def propose(self, observation: Observation) -> Proposals:
        """Return what the decide graph makes of the memory and this observation's ego, route and words."""
        memory = self.memory.gather(observation.stamp_ns)
        text = observation.instruction.text if observation.instruction else ""
        answer = self.decider.run(
            list(OUTPUTS),
            {
                "tokens": memory.tokens[None],
                "age_s": memory.age_s[None],
                "place": memory.place[None],
                "mask": memory.mask[None],
                "ego": ego_vector(observation.ego)[None],
                "route": route_vector(observation.route, observation.ego)[None],
                "text": text_ids(text)[None],
            },
        )
        return proposals_of(dict(zip(OUTPUTS, answer, strict=True)))

    def snapshot(self) -> Any:
        """Return what the driver remembers; later calls do not change it."""
        return self.memory.snapshot(), dict(self.people), self.glimpsed, self.stands_since_ns

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot."""
        memory, people, self.glimpsed, self.stands_since_ns = snapshot
        self.memory.restore(memory)
        self.people = dict(people)


def session(path: Path, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    """Open a graph; FileNotFoundError says how to make it."""
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: export the checkpoint to ONNX first")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
