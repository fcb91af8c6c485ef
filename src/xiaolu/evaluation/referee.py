"""The referee: watches a ride, and says which moments would have needed a person. Rules are those of `measures`."""

from dataclasses import dataclass, replace

import numpy as np

from xiaolu.core.episode import Event, Header, Step
from xiaolu.core.rates import SECOND_NS, TICK_S
from xiaolu.core.score import Score
from xiaolu.core.users import ON_FOOT, Kind
from xiaolu.evaluation.plans import Plans
from xiaolu.evaluation.track import Track
from xiaolu.measures import interventions as rules
from xiaolu.measures.closed_loop import Driven, closed_loop
from xiaolu.measures.comfort import comfort
from xiaolu.measures.leaderboard import driving_score_20, driving_score_21, infractions_of, success
from xiaolu.measures.provoked import Scenes, has_green, provoked_by
from xiaolu.measures.regulations import Ruling, braking, creeping, lateral, no_red, signal_stops
from xiaolu.measures.words import word_action
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePath
from xiaolu.world.town import Town

NOT_DRIVEN = [int(kind) for kind in (*ON_FOOT, Kind.OBJECT)]
RECENT_S = 100.0  # an intervention is noticed this long after it began at most: 40 m of wrong way at walking pace


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a ride came to. events: everything noticed; counted: the interventions, one a window.

    own_m is the distance the driver drove itself, the windows after interventions left out; taken_ns: when somebody
    else took the wheel for each counted event. track holds the series; rulings are those on rules of the road.
    """

    arrived: bool
    reason: str
    duration_s: float
    progress_m: float
    route_m: float
    own_m: float
    events: tuple[Event, ...]
    counted: tuple[Event, ...]
    taken_ns: tuple[int, ...]
    scores: tuple[Score, ...]
    rulings: tuple[Ruling, ...]
    track: Track


class Referee:
    """A Subscriber. Ask `fresh_intervention` after each step to hand over the wheel; `judge` at the end."""

    def __init__(self, town: Town, path: RoutePath, ground: Ground | None = None, plans: bool = True) -> None:
        """plans: score what each second's plan would have come to as well: about two thirds of the judging's time."""
        self.track = Track(town, path, ground)
        self.plans = Plans(self.track) if plans else None
        self._path = path
        self._provoked_by: dict[int, int] = {}  # when hard braking began -> by whom, -1 for the ego's own
        self._taken: list[tuple[int, Event]] | None = None  # None: nobody asked, nobody took over

    def on_start(self, header: Header) -> None:
        """Nothing to prepare: the track starts empty."""

    def on_step(self, step: Step) -> None:
        self.track.add(step)
        if self.plans is not None:
            self.plans.add(step)

    def on_end(self, events: tuple[Event, ...]) -> None:
        """The ride's own events (guardian, passenger) are not the referee's."""

    def events(self, last_s: float = np.inf) -> list[Event]:
        """Return what the rules notice in the ride so far, or in its last seconds, in time order.

        What had begun before these seconds is left out: its beginning is not among them.
        """
        if len(self.track) < 2:
            return []
        first = 0 if np.isinf(last_s) else max(len(self.track) - round(last_s / TICK_S), 0)

        def c(name: str) -> np.ndarray:
            return self.track.column(name)[first:]

        stamp, speed = c("stamp_ns"), c("speed_mps")
        found = [
            *rules.contacts(stamp, c("uid"), c("touching"), c("by_user")),
            *rules.off_road(stamp, c("off_road_m")),
            *rules.red_line(stamp, c("line_ahead_m"), c("signal_colour"), c("right_turn"), c("officer")),
            *rules.wrong_way(stamp, c("heading_error_rad"), speed, c("overtakes")),
            *rules.vulnerable_too_close(
                stamp, c("uid"), c("clearance_m"), c("ttc_s"), speed, c("on_road"), c("beside_or_ahead")
            ),
            *map(self._whose, rules.hard_braking(stamp, c("acceleration_mps2"))),
            *rules.stuck(stamp, speed, c("way_free")),
            *rules.missed_manoeuvre(stamp, c("route_distance_m")),
        ]
        whole = [event for event in found if first == 0 or event.from_ns > stamp[0]]
        return sorted(whole, key=lambda event: (event.from_ns, event.kind))

    def _whose(self, braking: Event) -> Event:
        """Return hard braking as the ego's own, or as what somebody provoked."""
        if braking.from_ns not in self._provoked_by:
            c = self.track.column
            scenes = Scenes(
                pose=c("pose"),
                speed_mps=c("speed_mps"),
                yaw_rate_radps=c("yaw_rate_radps"),
                limit_mps=c("limit_mps"),
                uid=np.where(c("user_there"), c("uid"), -1),
                box=c("user_box"),
                user_mps=c("user_mps"),
                drives=~np.isin(c("kind"), NOT_DRIVEN),
                green=has_green(c("line_ahead_m"), c("signal_colour")),
            )
            tick = int(np.searchsorted(c("stamp_ns"), braking.from_ns))
            self._provoked_by[braking.from_ns] = provoked_by(scenes, tick)
        uid = self._provoked_by[braking.from_ns]
        return braking if uid < 0 else replace(braking, kind=rules.HARD_BRAKE_PROVOKED, detail=f"uid {uid}")

    def fresh_intervention(self) -> Event | None:
        """Return an intervention that has to be made now, if any: nobody made it, and no window is open.

        Whoever asks takes the wheel now, for `WINDOW_S`: from here on these are the interventions that count. What
        begins while the window is open is not the driver's.
        """
        taken = self._taken = [] if self._taken is None else self._taken
        now = int(self.track.column("stamp_ns")[-1])
        since = taken[-1][0] + int(rules.WINDOW_S * SECOND_NS) if taken else -1
        if now < since:
            return None
        known = {(event.kind, event.from_ns) for _, event in taken}
        for event in self.events(RECENT_S):
            if event.kind == rules.STUCK and event.from_ns <= since < event.to_ns - rules.STUCK_S * SECOND_NS:
                event = replace(event, from_ns=since + 1)  # it has stood as long again since the wheel was its own
            if event.kind not in rules.COUNTED_APART and event.from_ns > since:
                if (event.kind, event.from_ns) in known:
                    continue
                taken.append((now, event))
                return event
        return None

    def judge(self, arrived: bool, reason: str) -> Judgement:
        """Return the judgement of the ride as it stands. Raises ValueError for a ride without a step."""
        if not len(self.track):
            raise ValueError("judge: a ride without a step is no ride")
        events = self.events()
        c = self.track.column
        if self._taken is None:
            counted = rules.interventions(events)
            taken = [event.from_ns for event in counted]
        else:
            self.fresh_intervention()  # what the last tick shows counts as well, however seldom was asked
            counted, taken = self._told(events), [stamp for stamp, _ in self._taken]
        stamp, speed, yaw = c("stamp_ns"), c("speed_mps"), c("pose")[:, 2]
        return Judgement(
            arrived=arrived,
            reason=reason,
            duration_s=float(stamp[-1] - stamp[0]) / 1e9,
            progress_m=self.track.progress_m,
            route_m=self._path.length_m,
            own_m=rules.distance_outside_windows_m(stamp, speed, taken),
            events=tuple(events),
            counted=tuple(counted),
            taken_ns=tuple(taken),
            scores=scores_of(self.track, events, taken, reason, self.plans),
            rulings=(
                no_red(stamp, c("line_ahead_m"), c("signal_colour"), c("right_turn"), c("officer")),
                *signal_stops(stamp, c("line_ahead_m"), c("signal_colour"), speed, np.any(c("in_way"), axis=1)),
                creeping(stamp, c("line_ahead_m"), c("signal_colour"), speed),
                braking("emergency_braking", stamp, c("acceleration_mps2")),
                braking("hard_braking", stamp, c("acceleration_mps2")),
                *lateral(stamp, speed, yaw),
            ),
            track=self.track,
        )

    def _told(self, events: list[Event]) -> list[Event]:
        """Return the interventions that were made, each as long as it became in the end."""
        assert self._taken is not None
        whole = {(event.kind, event.from_ns): event for event in events}
        return [whole.get((event.kind, event.from_ns), event) for _, event in self._taken]


def driven_of(track: Track, events: list[Event]) -> Driven:
    """Return a track as the closed-loop scores see it."""
    c = track.column
    stamp = c("stamp_ns")
    crossed = np.zeros(len(stamp), bool)
    crossed[np.searchsorted(stamp, [e.from_ns for e in events if e.kind == rules.RED_LINE])] = True
    return Driven(
        stamp_ns=stamp,
        speed_mps=c("speed_mps"),
        yaw_rad=c("pose")[:, 2],
        progress_m=c("progress_m"),
        route_m=track.path.length_m,
        at_fault=c("touching") & ~c("by_user"),
        is_user=c("kind") != Kind.OBJECT,
        corner_off_m=c("corner_off_m"),
        against=np.abs(c("heading_error_rad")) > rules.WRONG_WAY_RAD,
        limit_mps=c("limit_mps"),
        ttc_s=c("straight_ttc_s"),
        lane_offset_m=c("lane_offset_m"),
        in_junction=c("in_junction"),
        crossed_red=crossed,
    )


def scores_of(
    track: Track, events: list[Event], taken_ns: list[int], reason: str, plans: Plans | None
) -> tuple[Score, ...]:
    """Return every score of a ride, for its events, when somebody else took over, why it ended, and its plans."""
    c = track.column
    stamp, speed, wall_ms = c("stamp_ns"), c("speed_mps"), c("wall_s") * 1e3
    first, last = int(stamp[0]), int(stamp[-1])
    route_m, progress_m = track.path.length_m, track.progress_m
    own = rules.outside_windows(stamp, taken_ns)
    contacts = [event for event in events if event.kind == rules.CONTACT]
    touched = c("touching")
    kind_of = dict(zip(c("uid")[touched].tolist(), c("kind")[touched].tolist(), strict=True))
    reds = sum(event.kind == rules.RED_LINE for event in events)
    found = infractions_of(contacts, kind_of, reds, c("outside_lane"), np.abs(speed) * TICK_S, reason)
    said, held = c("claims") & own, c("claims_hold")
    return (
        Score("route_completion", min(progress_m / route_m, 1.0), "share", from_ns=first, to_ns=last),
        *comfort(speed, c("pose")[:, 2], stamp),
        *closed_loop(driven_of(track, events)),
        *(plans.scores(taken_ns) if plans is not None else ()),
        driving_score_21(progress_m, route_m, found, last),
        driving_score_20(progress_m, route_m, found, last),
        success(progress_m, route_m, found, last),
        word_action(stamp, said, held, c("cause_exists"), c("cause_visible")),
        Score("latency_p50", float(np.percentile(wall_ms, 50)), "ms", from_ns=first, to_ns=last),
        Score("latency_p99", float(np.percentile(wall_ms, 99)), "ms", from_ns=first, to_ns=last),
    )
