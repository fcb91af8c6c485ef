"""A recorded Step must come back bit for bit: a replay that differs in the last digit drives another ride."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.episodes import made_steps as factory
from tests.episodes.same import assert_same
from xiaolu.core.episode import Header, Step
from xiaolu.core.scene import Scene
from xiaolu.episodes.record import from_record, schema_of, to_record


@dataclass(frozen=True, slots=True)
class Bag:
    number: float
    array: np.ndarray
    maybe: int | None
    texts: tuple[str, ...]
    versions: dict[str, str]


@settings(deadline=None)
@given(
    st.floats(),
    hnp.arrays(st.sampled_from([np.float64, np.float32, np.int8, np.uint64, np.bool_]), hnp.array_shapes(min_side=0)),
    st.none() | st.integers(),
    st.lists(st.text()).map(tuple),
    st.dictionaries(st.text(), st.text()),
)
def test_any_value_survives_json(number, array, maybe, texts, versions):
    bag = Bag(number, array, maybe, texts, versions)
    back = from_record(Bag, json.loads(json.dumps(to_record(bag), allow_nan=False)))
    assert np.array(back.number).tobytes() == np.array(bag.number).tobytes() or number != number
    assert back.array.dtype == array.dtype and back.array.tobytes() == array.tobytes()
    assert (back.maybe, back.texts, back.versions) == (maybe, texts, versions)


def test_a_whole_step_survives():
    step = factory.step(3)
    assert_same(from_record(Step, json.loads(json.dumps(to_record(step), allow_nan=False))), step)


def test_header_survives():
    assert_same(from_record(Header, json.loads(json.dumps(to_record(factory.header())))), factory.header())


def test_missing_field_is_named():
    record = to_record(factory.scene(1))
    del record["ego_pose"]
    with pytest.raises(ValueError, match="Scene lacks ego_pose"):
        from_record(Scene, record)


def test_what_cannot_be_written_is_named():
    with pytest.raises(TypeError, match="set"):
        to_record({1, 2})


def test_schema_names_fields_and_enumerations():
    schema = schema_of(Step)
    assert schema["properties"]["observation"]["properties"]["ego"]["properties"]["speed_mps"] == {"type": "number"}
    assert "1 CURVE" in schema["properties"]["decision"]["properties"]["cause"]["description"]
