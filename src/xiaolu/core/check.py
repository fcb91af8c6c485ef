"""Boundary checks: an array is checked once, where it comes in, and is read-only from then on."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Shape = Sequence[int | None]


def frozen(name: str, value: Any, shape: Shape, dtype: Any = np.float64, finite: bool = True) -> np.ndarray:
    """Return `value` as a read-only array of `dtype`.

    shape: expected sizes, None where any size will do. Raises ValueError naming the field, what came and what
    was expected. Copies only when the dtype differs or the caller could still write to the array.
    """
    array = np.asarray(value, dtype=dtype)
    if array.ndim != len(shape) or any(
        want is not None and have != want for have, want in zip(array.shape, shape, strict=True)
    ):
        wanted = "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"
        raise ValueError(f"{name}: shape {array.shape}, expected {wanted}")
    if finite and array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name}: holds {np.count_nonzero(~np.isfinite(array))} values that are not finite")
    if array.flags.writeable:
        array = array.copy() if array is value or array.base is not None else array
        array.flags.writeable = False
    return array


def freeze(instance: Any, name: str, shape: Shape, dtype: Any = np.float64, finite: bool = True) -> None:
    """Replace an array field of a frozen dataclass by its checked, read-only form. For `__post_init__`."""
    label = f"{type(instance).__name__}.{name}"
    object.__setattr__(instance, name, frozen(label, getattr(instance, name), shape, dtype, finite))


def within(name: str, value: float, low: float, high: float, unit: str) -> float:
    """Return `value` if low <= value <= high, else raise ValueError with the range and the unit."""
    if not low <= value <= high:
        raise ValueError(f"{name}: {value} {unit} is outside {low} to {high} {unit}")
    return value
