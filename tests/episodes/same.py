"""Equality of trees of dataclasses, arrays and values; NaN equals NaN, dtypes must agree."""

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def assert_same(a: Any, b: Any, where: str = "value") -> None:
    if is_dataclass(a):
        assert type(a) is type(b), f"{where}: {type(a).__name__} against {type(b).__name__}"
        for f in fields(a):
            assert_same(getattr(a, f.name), getattr(b, f.name), f"{where}.{f.name}")
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, f"{where}: dtype {a.dtype} against {b.dtype}"
        np.testing.assert_array_equal(a, b, err_msg=where)
    elif isinstance(a, tuple):
        assert len(a) == len(b), where
        for i, (one, other) in enumerate(zip(a, b, strict=True)):
            assert_same(one, other, f"{where}[{i}]")
    else:
        assert a == b and type(a) is type(b), f"{where}: {a!r} against {b!r}"
