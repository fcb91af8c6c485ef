"""What a check says: whether it holds, by which figure and on what evidence; and who of a scenario's cast is who.

What cannot be said (nobody came, the lamp never turned) holds None: such a ride is INVALID, never a pass.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from xiaolu.core.score import Score
from xiaolu.evaluation.account import Account

MOVES_MPS = 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """holds: None where there was nothing to judge by; score.why says it in words."""

    check: str
    holds: bool | None
    score: Score


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is who: actors (name -> uid; those of a row are name-1, name-2, ...), acts (actor's name -> its acts)."""

    actors: Mapping[str, int]
    acts: Mapping[str, tuple[str, ...]]

    def members(self, name: str) -> list[int]:
        """Return the uids of an actor, or of all in a row; none where this draw has it not."""
        row = [uid for key, uid in self.actors.items() if key.startswith(f"{name}-") and key[len(name) + 1 :].isdigit()]
        return [self.actors[name]] if name in self.actors else row

    def act(self, name: str, act: str) -> int:
        """Return which of its acts that is, from 0."""
        known = self.acts.get(name) or self.acts[f"{name}-1"]
        return list(known).index(act)


Judge = Callable[[str, Account, Cast, Mapping[str, Any]], Finding]


def found(
    check: str, a: Account, holds: bool | None, value: float | None, unit: str, why: str, first: int = 0, last: int = -1
) -> Finding:
    """first, last: the evidence's first and last tick."""
    begins, ends = int(a.stamp_ns[first]), int(a.stamp_ns[last])
    known = value is not None and bool(np.isfinite(value))
    holds = None if holds is None else bool(holds)  # NumPy's False is not False
    return Finding(check, holds, Score(check, float(value) if known and value is not None else None, unit, known, why,
                                       begins, ends))  # fmt: skip


def nothing(check: str, a: Account, unit: str, why: str) -> Finding:
    return found(check, a, None, None, unit, why)


def first_tick(condition: np.ndarray) -> int:
    """Return the first tick at which a condition (T,) holds, -1 if never."""
    index = np.flatnonzero(condition)
    return int(index[0]) if len(index) else -1


def moved_from(a: Account) -> int:
    """Return the first tick at which the ego drives, -1 if it never does."""
    return first_tick(np.abs(a.speed_mps) > MOVES_MPS)


def passes_place(a: Account, place_m: float) -> int:
    """Return the tick at which the front passes a place, -1 if never, 0 if it began beyond it."""
    return first_tick(a.front_s_m >= place_m)


def act_from(a: Account, uid: int, act: int) -> int:
    """Return the tick at which an actor comes to an act, -1 if never."""
    return first_tick(a.act[:, uid] >= act)


def all_act_from(a: Account, cast: Cast, actor: str, act: str) -> int:
    """Return the tick at which the last one of an actor's row comes to an act, -1 if one of them never does."""
    ticks = [act_from(a, uid, cast.act(actor, act)) for uid in cast.members(actor)]
    return -1 if min(ticks) < 0 else max(ticks)
