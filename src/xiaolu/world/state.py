"""The moving part of the world: a frozen tree of arrays with a leading branch axis B; N slots for road users."""

from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from xiaolu.core.users import Users


@dataclass(frozen=True, slots=True)
class Ego:
    """The ego as the world knows it, (B,) each: rear axle pose and motion at the present tick."""

    x_m: np.ndarray
    y_m: np.ndarray
    z_m: np.ndarray
    yaw_rad: np.ndarray
    speed_mps: np.ndarray
    acceleration_mps2: np.ndarray
    yaw_rate_radps: np.ndarray
    steering_rad: np.ndarray
    indicator: np.ndarray


@dataclass(frozen=True, slots=True)
class Minds:
    """What road users carry with them from tick to tick, (B, N) each. Temper is drawn once, from the user's uid.

    haste: factor on the speed limit or walking pace; headway_s; vigour: factor on how hard it usually speeds up and
    brakes; room: factor on the gap it keeps when it stands; margin_s: what it leaves between another's passage and its
    own where ways meet; reaction_s (0.4 to 1.5); attentive: False for the fixed share that does not look;
    offset_target_m: where in its lane it likes to be, apart from rules; junctions: how many turns it has chosen (the
    counter of its next choice); waited_s: how long it has stood for somebody; parked: stands for the whole ride (for a
    parked car, `way` is the index of its prop); way, along_m: the way it is on and how far (`xiaolu.world.ways`);
    ran_red: entered its junction on red; backs_for: whom it backs up for in a narrow place (`xiaolu.world.meeting`), or
    what it has to get off (`xiaolu.world.shunting`), 0 for nobody; waits_for: the slot of the body it brakes for (N:
    the ego), -1 for none, -2 at a red light or by a script; backwards: it drives along its way rear first; alarmed_s:
    for how long it has seen that the ego does what it had not to reckon with (`xiaolu.world.alarm`).
    actor: which actor of the script it is, -1 for none; act, act_s: the act it is at (0 before its first) and since
    when; stood_s: for how long the ego has stood, as its next act counts it (`xiaolu.world.script`).
    seen (B, N, N + 1) int8: for how many ticks it has seen each other user, the ego in the last
    column; 0 is not at all.
    """

    haste: np.ndarray
    headway_s: np.ndarray
    vigour: np.ndarray
    room: np.ndarray
    margin_s: np.ndarray
    reaction_s: np.ndarray
    attentive: np.ndarray
    offset_target_m: np.ndarray
    junctions: np.ndarray
    waited_s: np.ndarray
    parked: np.ndarray
    way: np.ndarray
    along_m: np.ndarray
    ran_red: np.ndarray
    backwards: np.ndarray
    actor: np.ndarray
    act: np.ndarray
    act_s: np.ndarray
    stood_s: np.ndarray
    backs_for: np.ndarray
    waits_for: np.ndarray
    alarmed_s: np.ndarray
    seen: np.ndarray


@dataclass(frozen=True, slots=True)
class WorldState:
    """seed, tick, next_uid (B,) int64. touching, caused_by_user (B, N) bool: contact with the ego in the last tick."""

    seed: np.ndarray
    tick: np.ndarray
    next_uid: np.ndarray
    ego: Ego
    users: Users
    minds: Minds
    touching: np.ndarray
    caused_by_user: np.ndarray

    @property
    def branches(self) -> int:
        return len(self.tick)


MIND_DTYPES: dict[str, Any] = {
    "attentive": np.bool_,
    "junctions": np.int32,
    "parked": np.bool_,
    "way": np.int32,
    "ran_red": np.bool_,
    "backwards": np.bool_,
    "actor": np.int32,
    "act": np.int32,
    "backs_for": np.int64,
    "waits_for": np.int32,
}


def empty_minds(branches: int, users: int) -> Minds:
    """Return minds of empty slots; writable, for building the next ones."""
    shape = (branches, users)
    table: dict[str, np.ndarray] = {f.name: np.zeros(shape, MIND_DTYPES.get(f.name, np.float64)) for f in fields(Minds)}
    table["actor"] -= 1
    table["seen"] = np.zeros((branches, users, users + 1), np.int8)
    return Minds(**table)


def map_arrays(function, *trees: Any) -> Any:
    """Return a tree like the given ones with `function` applied to corresponding arrays."""
    first = trees[0]
    if is_dataclass(first) and not isinstance(first, type):
        return type(first)(*(map_arrays(function, *(getattr(t, f.name) for t in trees)) for f in fields(first)))
    return function(*trees)


def fork(state: WorldState, branch: int, copies: int) -> WorldState:
    """Return a state of `copies` branches, each the given branch of `state`. Only the ego's doing will part them."""
    return map_arrays(lambda array: np.repeat(array[branch : branch + 1], copies, axis=0), state)


def pick(state: WorldState, branch: int) -> WorldState:
    """Return a state of one branch."""
    return fork(state, branch, 1)
