"""What an evaluation has finished so far, a line a ride, so that a killed one goes on where it was."""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np


class Journal:
    """Rides of one evaluation, kept beside its JSON until that is whole. `key` says what they are rides of."""

    def __init__(self, path: Path, key: dict[str, Any]) -> None:
        """Open a journal; rides of another key, and a last line that was cut short, are dropped."""
        self.path, self.key = path, json.loads(json.dumps(key))
        self.rows: dict[str, dict[str, Any]] = {}
        self.walls: dict[str, np.ndarray] = {}
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = [line for line in map(_read, lines) if line is not None]
        if kept and kept[0] == self.key:
            for line in kept[1:]:
                self.rows[line["row"]["ride"]] = line["row"]
                self.walls[line["row"]["ride"]] = np.array(line["wall_s"], np.float64)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".part")
        with partial.open("w", encoding="utf-8") as file:
            file.write(json.dumps(self.key) + "\n")
            file.writelines(self._line(ride) for ride in self.rows)
        partial.replace(path)
        self._file = path.open("a", encoding="utf-8")

    def add(self, row: dict[str, Any], wall_s: np.ndarray) -> None:
        """Keep a finished ride, on the disk before this returns."""
        # As it will be read again: what was finished before a kill and after it comes out alike.
        row = json.loads(json.dumps(row))
        self.rows[row["ride"]], self.walls[row["ride"]] = row, np.round(wall_s, 5)
        self._file.write(self._line(row["ride"]))
        self._file.flush()
        os.fsync(self._file.fileno())

    def done(self) -> None:
        """Forget the journal: the evaluation has been written whole."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _line(self, ride: str) -> str:
        return json.dumps({"row": self.rows[ride], "wall_s": self.walls[ride].tolist()}) + "\n"


def _read(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None
