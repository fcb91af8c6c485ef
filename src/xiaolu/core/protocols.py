"""The shapes that rooms agree on. Anything with the shape will do."""

from typing import Any, Protocol, runtime_checkable

from xiaolu.core.decision import Decision
from xiaolu.core.episode import Event, Header, Step
from xiaolu.core.observation import Observation
from xiaolu.core.scene import Scene


@runtime_checkable
class Driver(Protocol):
    """Drives on what a car can know. `cameras` names the cameras it wants; the others are not rendered."""

    name: str
    cameras: tuple[str, ...]

    def reset(self, seed: int) -> None: ...

    def drive(self, observation: Observation) -> Decision: ...


@runtime_checkable
class SceneDriver(Protocol):
    """A privileged driver, such as the teacher: it is handed the scene as well."""

    name: str
    cameras: tuple[str, ...]

    def reset(self, seed: int) -> None: ...

    def drive_scene(self, scene: Scene, observation: Observation) -> Decision: ...


@runtime_checkable
class Snapshots(Protocol):
    """A driver that can be forked with the ride."""

    def snapshot(self) -> Any: ...

    def restore(self, snapshot: Any) -> None: ...


class Subscriber(Protocol):
    """Something that watches a ride: a log, a data set, a meter, a cockpit."""

    def on_start(self, header: Header) -> None: ...

    def on_step(self, step: Step) -> None: ...

    def on_end(self, events: tuple[Event, ...]) -> None: ...
