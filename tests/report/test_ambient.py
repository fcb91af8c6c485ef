"""What a user would lose: a table that says what a kilometre is made of, counted on rides that really were driven."""

import pytest

from xiaolu.core.seeds import Split
from xiaolu.report.ambient import measure_ambient, write_measured
from xiaolu.world.scenarios.ambient import ambient, read_ambient
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.town import save_town


def test_what_is_met_is_counted_per_km_and_written_into_the_table(small_town, tmp_path):
    for seed in Towns.seeds(Split.VALIDATION):
        save_town(small_town, tmp_path / f"village-{seed}.town")
    told: list[float] = []
    measured = measure_ambient("village", 0.2, 800_000, Towns(tmp_path), told.append)
    assert len(told) == measured.rides and sum(told) == pytest.approx(measured.km)
    assert measured.km >= 0.2 and measured.rides >= 1
    junctions = measured.per_km["junctions"] * measured.km
    assert junctions == pytest.approx(round(junctions), abs=0.05) and junctions >= 1.0
    assert sum(measured.per_km.values()) > 5.0
    table = tmp_path / "ambient.toml"
    before = ambient()
    write_measured(table, "village", measured.per_km, "a note")
    after = read_ambient(table.read_text(encoding="utf-8"))
    assert after["village"].met_per_km == measured.per_km
    assert after["park"] == before["park"] and after["village"].length_m == before["village"].length_m
