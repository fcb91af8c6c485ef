"""A passenger who says the way when there is no phone: one wish for each junction, in English or Chinese.

A wish is said as soon as the junction before lies behind. Wordings for training and for tests are disjoint.
"""

from dataclasses import dataclass

from xiaolu.core.chance import Purpose, uniform
from xiaolu.core.observation import Instruction, Manoeuvre
from xiaolu.core.rates import TICK_S
from xiaolu.world.routing import RoutePath

_M = Manoeuvre

WORDINGS: dict[str, dict[Manoeuvre, tuple[str, ...]]] = {
    "train": {
        _M.TURN_LEFT: (
            *("turn left at the next junction", "take the next left", "next left please", "go left at the corner"),
            *("left at the crossing ahead", "下个路口左转", "前面路口左转", "前面左拐", "到路口往左"),
        ),
        _M.TURN_RIGHT: (
            *("turn right at the next junction", "take the next right", "next right please", "go right at the corner"),
            *("right at the crossing ahead", "下个路口右转", "前面路口右转", "前面右拐", "到路口往右"),
        ),
        _M.STRAIGHT: (
            *("go straight at the next junction", "straight on please", "keep going straight", "carry on ahead"),
            *("straight across", "下个路口直行", "一直往前", "直走", "前面路口不拐"),
        ),
        _M.U_TURN: (
            *("turn around at the next junction", "make a u-turn please", "go back the other way"),
            *("下个路口掉头", "前面掉个头"),
        ),
        _M.ARRIVE: (
            *("stop here please", "pull over here", "you can let me out here", "this is it, stop at the kerb"),
            *("靠边停车", "就停这里", "到了，停一下"),
        ),
    },
    "test": {
        _M.TURN_LEFT: ("hang a left up ahead", "we want the left turn coming up", "前方左转弯", "等会儿往左边拐"),
        _M.TURN_RIGHT: ("hang a right up ahead", "we want the right turn coming up", "前方右转弯", "等会儿往右边拐"),
        _M.STRAIGHT: (
            "don't turn yet, stay on this road",
            "through the junction, straight",
            "沿着这条路走",
            "继续直行",
        ),
        _M.U_TURN: ("could you swing round and head back", "在前面调头"),
        _M.ARRIVE: ("drop me off right here", "this will do, stop please", "麻烦在这儿停", "在路边停下"),
    },
}

PASSED_M = 10.0  # this far beyond a junction's entry, people think of the next one
ARRIVING_M = 45.0


@dataclass(frozen=True, slots=True)
class PassengerState:
    """number: which wish it is, counted from 0; -1 before the first word. manoeuvre: what it asks for."""

    number: int = -1
    manoeuvre: Manoeuvre = Manoeuvre.NONE
    text: str = ""
    said_tick: int = 0
    said_s_m: float = 0.0
    aim_s_m: float = float("-inf")


class Passenger:
    """A passenger who knows one way. It holds no state of its own: PassengerState goes in and comes out."""

    def __init__(self, path: RoutePath, seed: int, wishes: str) -> None:
        """Raises KeyError for wordings other than "train" and "test"."""
        self.seed = seed
        self.words = WORDINGS[wishes]
        self.junctions = tuple(junction[:2] for junction in path.junctions)
        self.goal_s_m = path.length_m

    def listen(self, state: PassengerState, tick: int, s_m: float) -> PassengerState:
        """Return the passenger at s metres along the way: unchanged, or with something new to say."""
        aim_s_m, manoeuvre = self._next(s_m)
        if (aim_s_m, manoeuvre) == (state.aim_s_m, state.manoeuvre):
            return state
        number = state.number + 1
        words = self.words[manoeuvre]
        text = words[int(uniform(self.seed, 0, number, Purpose.INSTRUCTION)[0] * len(words))]
        return PassengerState(number, manoeuvre, text, tick, s_m, aim_s_m)

    def instruction(self, state: PassengerState, tick: int, s_m: float) -> Instruction | None:
        """Return the wish as the driver is given it, or None while nothing has been said."""
        if state.number < 0:
            return None
        passed = sum(state.said_s_m < at <= s_m for at, _ in self.junctions)
        age_s = (tick - state.said_tick) * TICK_S
        return Instruction(state.text, age_s, max(s_m - state.said_s_m, 0.0), passed)

    def _next(self, s_m: float) -> tuple[float, Manoeuvre]:
        for at_s_m, manoeuvre in self.junctions:
            if at_s_m + PASSED_M > s_m:
                return at_s_m, manoeuvre
        if self.goal_s_m - s_m > ARRIVING_M:
            return self.goal_s_m - ARRIVING_M, Manoeuvre.STRAIGHT
        return self.goal_s_m, Manoeuvre.ARRIVE
