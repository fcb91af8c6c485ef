"""A checkpoint for another rig, or another codec, is refused by the name of what differs."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.made_moments import SMALL_RIG
from xiaolu.codec.contract import (
    Contract,
    ContractError,
    camera_record,
    contract_for,
    load_contract,
    refuse_mismatch,
    save_contract,
    to_json,
)
from xiaolu.core.camera import pinhole


def test_a_contract_comes_back_as_it_was_written(tmp_path: Path) -> None:
    contract = contract_for(SMALL_RIG, 32)
    save_contract(contract, tmp_path)
    assert to_json(load_contract(tmp_path)) == to_json(contract)


@pytest.mark.parametrize(
    ("field", "value"), [("codec", "0123456789abcdef"), ("horizon_s", 3.0), ("camera_hz", 20), ("frame", "ENU")]
)
def test_a_changed_field_is_named(tmp_path: Path, field: str, value: object) -> None:
    save_contract(contract_for(SMALL_RIG, 32), tmp_path)
    record = json.loads((tmp_path / "contract.json").read_text())
    record[field] = value
    (tmp_path / "contract.json").write_text(json.dumps(record))
    with pytest.raises(ContractError, match=field):
        load_contract(tmp_path)


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    save_contract(contract_for(SMALL_RIG, 32), tmp_path)
    record = json.loads((tmp_path / "contract.json").read_text())
    del record["slots"]
    (tmp_path / "contract.json").write_text(json.dumps(record))
    with pytest.raises(ContractError, match="slots is missing"):
        load_contract(tmp_path)


def test_another_camera_is_refused_by_the_name_of_what_differs() -> None:
    ours = camera_record(SMALL_RIG[0])
    refuse_mismatch(ours, camera_record(SMALL_RIG[0]), "here", "cameras.narrow")
    zoomed = pinhole("narrow", 96, 64, 151.0, (1.6, 0.0, 1.5, 0.0, -0.05))
    with pytest.raises(ContractError, match=r"cameras\.narrow\.intrinsics"):
        refuse_mismatch(ours, camera_record(zoomed), "here", "cameras.narrow")


def test_a_rig_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        Contract((pinhole("narrow", 100, 64, 50.0, (0.0, 0.0, 1.0, 0.0, 0.0)),), 8, ())
    with pytest.raises(ValueError, match="asks for camera"):
        Contract(SMALL_RIG, 8, (("periscope", 0.0),))
    with pytest.raises(KeyError, match="periscope"):
        contract_for(SMALL_RIG, 8).camera("periscope")
    assert np.isfinite(SMALL_RIG[0].focal_px)
