"""Borrowing: arrays handed down to compiled loops without counting who holds them.

Numba counts the holders of an array, atomically, each time a function takes it as an argument or a tuple gives it out.
Loops of small functions over tables do little else: it was a third of a world step. A borrowed array is the same memory
with nobody to count for. Whoever lends it holds it until the borrower has done.
"""

from typing import Any

from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic


def _bare(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return an array, or a tuple in which every array is, without its owner."""
    if isinstance(kind, types.Array):
        array = cgutils.create_struct_proxy(kind)(context, builder, value=value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        array.parent = cgutils.get_null_value(array.parent.type)
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        members: Any = kind
        for index, member in enumerate(members):
            inner = _bare(context, builder, member, builder.extract_value(value, index))
            value = builder.insert_value(value, inner, index)
    return value


def _borrowed(typing_context, value):
    """Return an array, or a tuple of arrays and numbers, borrowed: to be used while somebody holds the original."""

    def generate(context, builder, signature, arguments):
        return _bare(context, builder, signature.args[0], arguments[0])

    return value(value), generate


borrowed: Any = intrinsic(_borrowed)


@njit(cache=True)
def held(*lent):
    """Hold what was lent up to here: an array made in a compiled function goes after the last line that names it."""
