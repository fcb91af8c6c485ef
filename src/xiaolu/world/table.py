"""Table: users and minds of all branches as one array of records, the form that compiled loops read and write."""

from dataclasses import fields
from typing import NamedTuple

import numpy as np
from numba import njit

from xiaolu.core.users import USER_DTYPES, Users
from xiaolu.world.state import MIND_DTYPES, Minds

_USERS = tuple(f.name for f in fields(Users))
_MINDS = tuple(f.name for f in fields(Minds) if f.name != "seen")
ROW = np.dtype([(name, (USER_DTYPES | MIND_DTYPES).get(name, np.float64)) for name in _USERS + _MINDS], align=True)


class Table(NamedTuple):
    """row (B * N,) of ROW, fields of `Users` and `Minds`: slot i of branch b is at b * N + i; seen (B * N, N + 1)."""

    row: np.ndarray
    seen: np.ndarray


def table_of(users: Users, minds: Minds) -> Table:
    """Return a copy of users and minds (B, N) that may be written to."""
    row = np.empty(users.uid.size, ROW)
    for name in _USERS:
        row[name] = getattr(users, name).ravel()
    for name in _MINDS:
        row[name] = getattr(minds, name).ravel()
    return Table(row, minds.seen.reshape(-1, minds.seen.shape[-1]).copy())


def split(table: Table, branches: int) -> tuple[Users, Minds]:
    """Return users and minds (B, N) of a table, read-only."""

    def column(name: str) -> np.ndarray:
        array = np.ascontiguousarray(table.row[name]).reshape(branches, -1)
        array.flags.writeable = False
        return array

    seen = table.seen.reshape(branches, -1, table.seen.shape[-1])
    seen.flags.writeable = False
    minds = {name: column(name) for name in _MINDS} | {"seen": seen}
    return Users(*(column(name) for name in _USERS)), Minds(**minds)


@njit(cache=True)
def clear_slot(table, u, i, o, slots):
    """Empty slot i, row u of the table, of the branch that begins at o."""
    table.row[u].active, table.row[u].uid, table.row[u].lane, table.row[u].speed_mps = False, -1, -1, 0.0
    table.row[u].parked, table.row[u].backwards, table.row[u].actor = False, False, -1
    for j in range(slots):
        table.seen[o + j, i] = 0
    table.seen[u, :] = 0
