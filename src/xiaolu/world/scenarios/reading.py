"""Reading a table of a scenario file field by field: what is unknown, missing or out of range is named and refused."""

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from xiaolu.world.scenarios.values import Interval, Value, constant, parse_value


class Names:
    """What values may refer to: ranges of number parameters, words of word parameters, names of measures."""

    def __init__(self, measures: Iterable[str] = ()) -> None:
        self.ranges: dict[str, Interval] = {}
        self.words: dict[str, tuple[str, ...]] = {}
        self.measures = frozenset(measures)
        self.used: set[str] = set()

    @property
    def known(self) -> list[str]:
        return sorted({*self.ranges, *self.measures})


class Fields:
    """One table of a file. Every `take` removes a field; `done` refuses what is left."""

    def __init__(self, raw: Any, where: str, names: Names) -> None:
        if not isinstance(raw, dict):
            raise ValueError(f"{where}: {raw!r} must be a table of fields")
        self._raw, self._where, self.names = dict(raw), where, names
        self._asked: list[str] = []

    def fail(self, field: str, raw: Any, valid: str) -> ValueError:
        """Return the error that says which field has which value, and what is valid."""
        return ValueError(f"{self._where}{field}: {raw!r}; valid is {valid}")

    def inner(self, field: str) -> str:
        """Return where a field of this table is, to begin the names of its own fields with."""
        return f"{self._where}{field}."

    def has(self, field: str) -> bool:
        return field in self._raw

    def take(self, field: str, default: Any = ...) -> Any:
        """Return a field's raw content; without a default it must be there."""
        self._asked.append(field)
        if field in self._raw:
            return self._raw.pop(field)
        if default is ...:
            raise ValueError(f"{self._where}{field} is missing")
        return default

    def done(self) -> None:
        """Raise ValueError when a field is left that nobody asked for."""
        for field in self._raw:
            near = difflib.get_close_matches(field, self._asked, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            valid = ", ".join(sorted(set(self._asked)))
            raise ValueError(f"{self._where}{field}: unknown field{hint}; valid are {valid}")

    def text(self, field: str, default: Any = ...) -> str:
        raw = self.take(field, default)
        if not isinstance(raw, str) or not raw.strip():
            raise self.fail(field, raw, "a text")
        return raw.strip()

    def flag(self, field: str, default: Any = ...) -> bool:
        raw = self.take(field, default)
        if not isinstance(raw, bool):
            raise self.fail(field, raw, "true or false")
        return raw

    def maybe_flag(self, field: str) -> bool | None:
        return self.flag(field) if self.has(field) else self.take(field, None)

    def word(self, field: str, known: Iterable[str], default: Any = ...) -> str:
        """Return a word of the known ones, or the name of a word parameter all of whose words are known."""
        raw, known = self.take(field, default), tuple(known)
        if isinstance(raw, str) and raw in self.names.words:
            wrong = [word for word in self.names.words[raw] if word not in known]
            if wrong:
                raise self.fail(field, f"{raw} (which may be {wrong[0]})", f"one of {', '.join(known)}")
            self.names.used.add(raw)
            return raw
        if raw not in known:
            near = difflib.get_close_matches(str(raw), known, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise self.fail(field, raw, f"one of {', '.join(known)}{hint}")
        return raw

    def word_list(self, field: str, known: Iterable[str], default: Any = ...) -> tuple[str, ...]:
        raw, known = self.take(field, default), tuple(known)
        if not isinstance(raw, (list, tuple)) or any(word not in known for word in raw):
            raise self.fail(field, raw, f"a list of {', '.join(known)}")
        return tuple(raw)

    def number(self, field: str, low: float, high: float, default: Any = ...) -> float:
        """Return a plain number within a range."""
        raw = self.take(field, default)
        if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not low <= raw <= high:
            raise self.fail(field, raw, f"a number within {low:g} to {high:g}")
        return float(raw)

    def span(self, field: str, low: float, high: float, default: Any = ...) -> Interval:
        """Return a range [low, high] within limits."""
        raw = self.take(field, default)
        fits = isinstance(raw, (list, tuple)) and len(raw) == 2
        fits = fits and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in raw)
        if not fits or not low <= raw[0] <= raw[1] <= high:
            raise self.fail(field, raw, f"a range [low, high] within {low:g} to {high:g}")
        return float(raw[0]), float(raw[1])

    def maybe_span(self, field: str, low: float, high: float) -> Interval | None:
        return self.span(field, low, high) if self.has(field) else self.take(field, None)

    def value(self, field: str, low: float, high: float, default: Any = ...) -> Value:
        """Return a value that lies within a range, as far as can be told before a place is known."""
        return self.checked(field, self.take(field, default), low, high)

    def maybe_value(self, field: str, low: float, high: float) -> Value | None:
        return self.value(field, low, high) if self.has(field) else self.take(field, None)

    def checked(self, field: str, raw: Any, low: float, high: float) -> Value:
        """Return a raw content as a value within a range."""
        if isinstance(raw, Value):
            return raw
        try:
            value = parse_value(raw)
        except ValueError as error:
            raise self.fail(field, raw, f"a number within {low:g} to {high:g}, or a sum of names ({error})") from None
        for name in sorted(value.names):
            if name in self.names.words:
                raise self.fail(field, raw, f"a number; {name} is a word")
            if name not in self.names.ranges and name not in self.names.measures:
                near = difflib.get_close_matches(name, self.names.known, 1)
                hint = f" (did you mean {near[0]}?)" if near else ""
                raise self.fail(field, raw, f"a sum of known names{hint}: {', '.join(self.names.known)}")
        self.names.used |= value.names & set(self.names.ranges)
        span = value.interval(self.names.ranges)
        if span is not None and not (low - 1e-9 <= span[0] and span[1] <= high + 1e-9):
            is_number = not value.names
            what = raw if is_number else f"{raw} ({span[0]:g} to {span[1]:g})"
            raise self.fail(field, what, f"within {low:g} to {high:g}")
        return value

    def tables(self, field: str, read: Callable[[Any, str], Any], known_as: str = "name") -> tuple[Any, ...]:
        """Return what `read(raw, where)` makes of each table in a list."""
        raw = self.take(field, ())
        if not isinstance(raw, (list, tuple)):
            raise self.fail(field, raw, "a list of tables")
        out = []
        for number, one in enumerate(raw):
            word = one.get(known_as, number) if isinstance(one, dict) else number
            out.append(read(one, f"{self._where}{field}[{word}]."))
        return tuple(out)


def zero() -> Value:
    return constant(0.0)
