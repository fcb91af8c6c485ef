"""Values: numbers in a scenario file, or sums of terms of numbers and names: `stop_line_m - 2 + 0.5*gap_m`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_NAME = re.compile(r"[a-z][a-z0-9_]*$")
_NUMBER = re.compile(r"\d+(\.\d*)?$|\.\d+$")

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Value:
    """terms: (coefficient, names): their products' sum. text: as it was written."""

    text: str
    terms: tuple[tuple[float, tuple[str, ...]], ...]

    @property
    def names(self) -> set[str]:
        return {name for _, names in self.terms for name in names}

    def at(self, lookup: Callable[[str], float]) -> float:
        """Return the value, each name looked up."""
        total = 0.0
        for coefficient, names in self.terms:
            for name in names:
                coefficient *= lookup(name)
            total += coefficient
        return total

    def interval(self, ranges: Mapping[str, Interval]) -> Interval | None:
        """Return the least and greatest value where every name has a range; None where one has none."""
        if not self.names <= set(ranges):
            return None
        low = high = 0.0
        for coefficient, names in self.terms:
            span = (coefficient, coefficient)
            for name in names:
                products = [a * b for a in span for b in ranges[name]]
                span = (min(products), max(products))
            low, high = low + span[0], high + span[1]
        return low, high


def parse_value(raw: object) -> Value:
    """Return the value that a number or a text stands for. Raises ValueError saying what is wrong with it."""
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        raise ValueError(f"{raw!r} is no number and no sum of names")
    if not isinstance(raw, str):
        return Value(str(raw), ((float(raw), ()),))
    words = raw.replace("+", " + ").replace("-", " - ").split()
    terms: list[tuple[float, tuple[str, ...]]] = []
    sign, expects = 1.0, True
    for word in words:
        if word in ("+", "-"):
            if not expects:
                sign, expects = 1.0, True
            sign = -sign if word == "-" else sign
            continue
        if not expects:
            raise ValueError(f"{raw!r}: + or - is missing before {word!r}")
        coefficient, names = sign, []
        for factor in word.split("*"):
            if _NUMBER.match(factor):
                coefficient *= float(factor)
            elif _NAME.match(factor):
                names.append(factor)
            else:
                raise ValueError(f"{raw!r}: {factor!r} is no number and no name")
        terms.append((coefficient, tuple(names)))
        sign, expects = 1.0, False
    if expects:
        raise ValueError(f"{raw!r}: something is missing at its end")
    return Value(raw, tuple(terms))


def constant(number: float) -> Value:
    """Return a value that is a number."""
    return Value(f"{number:g}", ((float(number), ()),))
