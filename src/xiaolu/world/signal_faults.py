"""What can be wrong with signals, as data: a ride has a tuple of faults, and compiled loops read them as small tables.

A fault begins at a moment of the ride and lasts until another; before and after it there is nothing to be seen of it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum

import numpy as np


class FaultKind(IntEnum):
    """What goes wrong. `seconds` of the fault says by how much, where that makes sense.

    RED_EXTENDED: a red that ends within the fault's time goes on for `seconds`, its digits held at 1; the green is
    shorter by as much, and left out where less than LEAST_GREEN_S of it would remain. COUNTDOWN_OF_OTHER: the digits
    are those of signal `other`. COUNTDOWN_HIDDEN: no digits. COUNTDOWN_JUMPS: at `from_s` the digits jump up (or down)
    by `seconds` and stay off until the colour changes, which it does when it always would have. DARK: nothing is lit.
    STUCK: lamps and digits stay as they are at `from_s`. FLASHING_YELLOW: only the yellow flashes, as at night: look
    and go. A dark or flashing yellow signal orders nothing; the rules of an unsignalled junction hold.
    """

    RED_EXTENDED = 0
    COUNTDOWN_OF_OTHER = 1
    COUNTDOWN_HIDDEN = 2
    COUNTDOWN_JUMPS = 3
    DARK = 4
    STUCK = 5
    FLASHING_YELLOW = 6


LONGEST_S = 600.0

# One row a fault and signal it hits; from_s, to_s on the ride's signal clock.
FAULT = np.dtype(
    [(name, np.int64) for name in ("kind", "signal", "other")]
    + [(name, np.float64) for name in ("seconds", "from_s", "to_s")],
    align=True,
)


@dataclass(frozen=True, slots=True)
class SignalFault:
    """A fault of some signals (columns, indices into `Town.signal_program`) from from_s to to_s of the ride.

    seconds: how much longer a red is (above 0), or by how much the digits jump (not 0). other: whose digits are shown.
    Raises ValueError for what no fault can be.
    """

    kind: FaultKind
    signals: tuple[int, ...]
    seconds: float = 0.0
    other: int = -1
    from_s: float = 0.0
    to_s: float = float("inf")

    def __post_init__(self) -> None:
        kind = FaultKind(self.kind)
        if not self.signals or min(self.signals) < 0:
            raise ValueError(f"SignalFault.signals: {self.signals}, must name at least one signal, none below 0")
        if not 0.0 <= self.from_s < self.to_s:
            raise ValueError(f"SignalFault: from_s {self.from_s} and to_s {self.to_s} must be 0 <= from_s < to_s")
        if kind is FaultKind.RED_EXTENDED and not 0.0 < self.seconds <= LONGEST_S:
            raise ValueError(f"SignalFault.seconds: {self.seconds}, a red is extended by 0 to {LONGEST_S:g} s")
        if kind is FaultKind.COUNTDOWN_JUMPS and not 0.0 < abs(self.seconds) <= LONGEST_S:
            raise ValueError(f"SignalFault.seconds: {self.seconds}, digits jump by up to {LONGEST_S:g} s, not by 0")
        if kind is FaultKind.COUNTDOWN_OF_OTHER and (self.other < 0 or self.other in self.signals):
            raise ValueError(f"SignalFault.other: {self.other}, must be a signal that is not one of {self.signals}")


def faults_to_text(faults: Sequence[SignalFault]) -> str:
    """Return faults as one line of JSON, for a ride's header."""
    return json.dumps([asdict(fault) for fault in faults])


def faults_from_text(text: str) -> tuple[SignalFault, ...]:
    """Return the faults that a line written by `faults_to_text` stands for."""
    rows = json.loads(text)
    return tuple(
        SignalFault(**{**row, "kind": FaultKind(row["kind"]), "signals": tuple(row["signals"])}) for row in rows
    )


def fault_rows(faults: Sequence[SignalFault], start_s: float, signals: int) -> np.ndarray:
    """Return (R,) FAULT of a ride's faults, in their order. start_s: its signal clock when it begins.

    Raises ValueError for a signal that the town, with so many, does not have.
    """
    rows = np.zeros(sum(len(fault.signals) for fault in faults), FAULT)
    row = 0
    for fault in faults:
        if max(*fault.signals, fault.other) >= signals:
            raise ValueError(f"{fault}: the town has signals 0 to {signals - 1} only")
        for signal in fault.signals:
            rows[row] = (
                fault.kind,
                signal,
                fault.other,
                fault.seconds,
                start_s + fault.from_s,
                start_s + fault.to_s,
            )
            row += 1
    return rows
