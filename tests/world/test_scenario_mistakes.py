"""What a user would lose: every field of every scenario file names its mistakes, and says what would be valid."""

import copy
import re
import tomllib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaolu.world.scenarios.format import BUILT_IN, UNITS, family_names, family_of

FREE = ("name", "title", "about")  # any text will do


def tables(name):
    file = resources.files("xiaolu").joinpath(BUILT_IN, f"{name}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def leaves(node, path=()):
    """Yield (path, value) of everything in a file that is neither a table nor a list of tables."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    elif isinstance(node, list) and node and isinstance(node[0], dict):
        for number, value in enumerate(node):
            yield from leaves(value, (*path, number))
    else:
        yield path, node


def places(node, path=()):
    """Yield the paths of all tables in a file."""
    if isinstance(node, dict):
        yield path
        for key, value in node.items():
            yield from places(value, (*path, key))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from places(value, (*path, number))


def changed(raw, path, value):
    out = copy.deepcopy(raw)
    node = out
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return out


def refused(raw, name, field, says):
    """Check that a file is refused, with the field's name and what is valid."""
    with pytest.raises(ValueError) as error:
        family_of(raw, f"{name}.toml", name)
    text = str(error.value)
    assert text.startswith(f"{name}.toml: ") and str(field) in text and re.search(says, text), text


@pytest.mark.parametrize("name", family_names())
def test_every_number_of_a_file_has_a_valid_range(name):
    raw = tables(name)
    family_of(raw, f"{name}.toml", name)
    seen = 0
    for path, value in leaves(raw):
        numbers = isinstance(value, (int, float)) and not isinstance(value, bool)
        pair = isinstance(value, list) and value and all(isinstance(v, (int, float)) for v in value)
        if not numbers and not pair:
            continue
        field = next(key for key in reversed(path) if isinstance(key, str))
        for far in (1e9, -1e9):
            refused(
                changed(raw, path, [far, far] if pair else far), name, field, r"valid is .*-?\d.* to -?\d|valid is a"
            )
            seen += 1
    assert seen >= 10


@pytest.mark.parametrize("name", family_names())
def test_every_word_and_flag_of_a_file_is_one_of_those_there_are(name):
    raw = tables(name)
    for path, value in leaves(raw):
        field = next(key for key in reversed(path) if isinstance(key, str))
        if field in FREE or (isinstance(value, list) and value and not isinstance(value[0], str)):
            continue
        if isinstance(value, bool):
            refused(changed(raw, path, "perhaps"), name, field, "true or false")
        elif isinstance(value, str) and path[0] != "parameters":
            refused(changed(raw, path, "no-such-word"), name, field, "valid (is|are) ")
        elif isinstance(value, list) and path[0] != "parameters":
            refused(changed(raw, path, ["no-such-word"]), name, field, "valid is ")


@pytest.mark.parametrize("name", family_names())
def test_every_table_of_a_file_refuses_a_field_it_does_not_know(name):
    raw = tables(name)
    for path in places(raw):
        if path[:1] != ("parameters",):
            refused(changed(raw, (*path, "speling_m"), 1.0), name, "speling_m", "unknown field.*valid are |valid is")


@given(st.sampled_from(sorted(UNITS)), st.floats(0.001, 1e6), st.booleans())
def test_a_parameter_stays_within_what_its_unit_allows(unit, beyond, above):
    raw = tables("child-between-parked")
    low, high = UNITS[unit]
    field = f"some{unit}"
    for wrong in ([low, high + beyond], high + beyond) if above else ([low - beyond, high], low - beyond):
        refused(changed(raw, ("parameters", field), wrong), "child-between-parked", f"parameters.{field}",
                f"within {re.escape(f'{low:g}')} to {re.escape(f'{high:g}')}")  # fmt: skip


@given(st.from_regex(r"[a-z]{2,8}_(km|kmh|ms|rad|percent|feet)", fullmatch=True))
def test_a_parameter_without_a_known_unit_is_refused(field):
    raw = changed(tables("child-between-parked"), ("parameters", field), [1.0, 2.0])
    refused(raw, "child-between-parked", f"parameters.{field}", "must end in a unit: _mps2, _mps, _m, _s")
