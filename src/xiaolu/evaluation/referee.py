"""The referee: watches a ride, and says which moments would have needed a person. Rules are those of `measures`."""

from dataclasses import dataclass

import numpy as np

from xiaolu.core.episode import Event, Header, Step
from xiaolu.core.score import Score
from xiaolu.evaluation.track import Track
from xiaolu.measures import interventions as rules
from xiaolu.measures.comfort import comfort
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePath
from xiaolu.world.town import Town


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a ride came to. events: everything noticed; counted: the interventions, one a window.

    own_m is the distance the driver drove itself, the windows after interventions left out. track holds the series.
    """

    arrived: bool
    reason: str
    duration_s: float
    progress_m: float
    route_m: float
    own_m: float
    events: tuple[Event, ...]
    counted: tuple[Event, ...]
    scores: tuple[Score, ...]
    track: Track


class Referee:
    """A Subscriber. Ask `fresh_intervention` after each step to hand over the wheel; `judge` at the end."""

    def __init__(self, town: Town, path: RoutePath, ground: Ground | None = None) -> None:
        self.track = Track(town, path, ground)
        self._path = path
        self._handled_ns = -1

    def on_start(self, header: Header) -> None:
        """Nothing to prepare: the track starts empty."""

    def on_step(self, step: Step) -> None:
        self.track.add(step)

    def on_end(self, events: tuple[Event, ...]) -> None:
        """The ride's own events (guardian, passenger) are not the referee's."""

    def events(self) -> list[Event]:
        """Return everything the rules notice in the ride so far, in time order."""
        if len(self.track) < 2:
            return []
        c = self.track.column
        stamp, speed = c("stamp_ns"), c("speed_mps")
        found = [
            *rules.contacts(stamp, c("uid"), c("touching"), c("by_user")),
            *rules.off_road(stamp, c("off_road_m")),
            *rules.red_line(stamp, c("line_ahead_m"), c("signal_colour"), c("right_turn"), c("officer")),
            *rules.wrong_way(stamp, c("heading_error_rad"), speed),
            *rules.vulnerable_too_close(
                stamp, c("uid"), c("clearance_m"), c("ttc_s"), speed, c("on_road"), c("beside_or_ahead")
            ),
            *rules.hard_braking(stamp, c("acceleration_mps2")),
            *rules.stuck(stamp, speed, c("way_free")),
            *rules.missed_manoeuvre(stamp, c("route_distance_m")),
        ]
        return sorted(found, key=lambda event: (event.from_ns, event.kind))

    def fresh_intervention(self) -> Event | None:
        """Return the intervention that has begun since the last one was returned, if any."""
        for event in rules.interventions(self.events()):
            if event.from_ns > self._handled_ns:
                self._handled_ns = event.from_ns + int(rules.WINDOW_S * 1e9) - 1
                return event
        return None

    def judge(self, arrived: bool, reason: str) -> Judgement:
        """Return the judgement of the ride as it stands."""
        events = self.events()
        counted = rules.interventions(events)
        stamp, speed = self.track.column("stamp_ns"), self.track.column("speed_mps")
        yaw = self.track.column("pose")[:, 2]
        wall_ms = self.track.column("wall_s") * 1e3
        first, last = int(stamp[0]), int(stamp[-1])

        def score(name: str, value: float, unit: str) -> Score:
            return Score(name, value, unit, from_ns=first, to_ns=last)

        scores = [
            score("route_completion", min(self.track.progress_m / self._path.length_m, 1.0), "share"),
            *comfort(speed, yaw, stamp),
            score("latency_p50", float(np.percentile(wall_ms, 50)), "ms"),
            score("latency_p99", float(np.percentile(wall_ms, 99)), "ms"),
        ]
        return Judgement(
            arrived=arrived,
            reason=reason,
            duration_s=float(stamp[-1] - stamp[0]) / 1e9,
            progress_m=self.track.progress_m,
            route_m=self._path.length_m,
            own_m=rules.distance_outside_windows_m(stamp, speed, counted),
            events=tuple(events),
            counted=tuple(counted),
            scores=tuple(scores),
            track=self.track,
        )
