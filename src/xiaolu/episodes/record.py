"""Core dataclasses as JSON and back, without loss.

Numbers, texts, enumerations and nested dataclasses become plain JSON, so that any viewer can plot them by path.
An array becomes {"dtype", "shape", "data"} with its bytes in base64. Floats that JSON has no word for (infinity, not a
number) become "inf", "-inf" and "nan".
"""

import base64
import math
import types
from dataclasses import MISSING, fields, is_dataclass
from enum import IntEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

ARRAY_SCHEMA = {
    "type": "object",
    "properties": {
        "dtype": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer"}},
        "data": {"type": "string", "contentEncoding": "base64"},
    },
}


def to_record(value: Any) -> Any:
    """Return `value` (dataclass, array, enum, tuple, dict, number, text or None) as plain JSON values.

    Raises TypeError for anything else.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (IntEnum, int, np.integer)):
        return int(value)
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"dtype": value.dtype.str, "shape": list(value.shape), "data": data}
    if isinstance(value, (tuple, list)):
        return [to_record(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_record(item) for key, item in value.items()}
    kind: Any = type(value)
    if _is_record(kind):
        return {name: to_record(getattr(value, name)) for name in _names(kind)}
    raise TypeError(f"a {type(value).__name__} cannot be written to a record")


def from_record(kind: Any, record: Any) -> Any:
    """Return the value of type `kind` (a class or an annotation) that `to_record` turned into `record`.

    Raises ValueError when the record does not fit the type: fields missing that have no default, or wrong shapes.
    """
    origin = get_origin(kind)
    if origin in (types.UnionType, Union):
        if record is None:
            return None
        return from_record(next(arm for arm in get_args(kind) if arm is not type(None)), record)
    if origin is tuple:
        return tuple(from_record(get_args(kind)[0], item) for item in record)
    if origin is dict:
        return {key: from_record(get_args(kind)[1], item) for key, item in record.items()}
    if kind is np.ndarray:
        array = np.frombuffer(base64.b64decode(record["data"]), np.dtype(record["dtype"]))
        return array.reshape(record["shape"])
    if _is_record(kind):
        hints = _hints(kind)
        missing = [name for name in _required(kind) if name not in record]
        if missing:
            raise ValueError(f"a recorded {_name(kind)} lacks {', '.join(missing)}; it holds {', '.join(record)}")
        return kind(**{name: from_record(hints[name], record[name]) for name in hints if name in record})
    if kind is float:
        return float(record)
    return kind(record)


def schema_of(kind: Any) -> dict[str, Any]:
    """Return the JSON schema of what `to_record` makes of a `kind`."""
    origin = get_origin(kind)
    if origin in (types.UnionType, Union):
        return {"oneOf": [schema_of(next(a for a in get_args(kind) if a is not type(None))), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": schema_of(get_args(kind)[0])}
    if origin is dict:
        return {"type": "object"}
    if kind is np.ndarray:
        return ARRAY_SCHEMA
    if _is_record(kind):
        properties = {name: schema_of(hint) for name, hint in _hints(kind).items()}
        return {"type": "object", "title": _name(kind), "properties": properties}
    if issubclass(kind, IntEnum):
        return {"type": "integer", "description": ", ".join(f"{m.value} {m.name}" for m in kind)}
    return {"type": {bool: "boolean", int: "integer", str: "string", float: "number"}[kind]}


def _name(kind: Any) -> str:
    return kind.__name__


def _is_record(kind: Any) -> bool:
    return is_dataclass(kind)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind)}


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind))


@cache
def _required(kind: Any) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING)
