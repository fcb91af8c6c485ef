"""One figure about a ride, and whether it means anything."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """value is None exactly when valid is False; why then says what was missing. The span is the evidence."""

    name: str
    value: float | None
    unit: str
    valid: bool = True
    why: str = ""
    from_ns: int = 0
    to_ns: int = 0

    def __post_init__(self) -> None:
        if self.valid == (self.value is None):
            raise ValueError(f"Score {self.name}: value {self.value} with valid={self.valid}")
