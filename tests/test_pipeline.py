"""From a recorded teacher to a report of the driver trained on it: the verbs must fit together as README says."""

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason='needs pip install "xiaolu[train]"')


def test_collect_train_export_drive_report(small_town, tmp_path):
    from xiaolu.cameras.context import NoGraphicsError, open_context
    from xiaolu.cli.driver import export
    from xiaolu.episodes.dataset import Dataset
    from xiaolu.report.drive import drive_and_report
    from xiaolu.runtime.driver import OnnxDriver
    from xiaolu.training.collect import CollectConfig, collect
    from xiaolu.training.recipe import recipe_of
    from xiaolu.training.train import train
    from xiaolu.world.town import save_town

    try:
        open_context()
    except NoGraphicsError as error:
        pytest.skip(f"no OpenGL here: {error}")
    town = tmp_path / "crossroads.town"
    save_town(small_town, town)

    collect(CollectConfig(tmp_path / "moments", moments=12, town_files=(town,), length_m=(120.0, 160.0), workers=1))
    moments = Dataset(tmp_path / "moments")
    assert len(moments) >= 12 and len(moments.cameras) == 5

    recipe = replace(recipe_of("smoke"), stage1_passes=32, stage2_passes=64)
    checkpoint = train(moments, recipe, tmp_path / "run")
    export(checkpoint, tmp_path / "car")
    assert OnnxDriver(tmp_path / "car").cameras == tuple(camera.name for camera in moments.cameras)

    page = drive_and_report(town, str(tmp_path / "car"), 7, 120.0, "sun", 3.0, tmp_path / "ride", film=False)
    text = page.read_text(encoding="utf-8")
    assert "time is up" in text or "arrived" in text or "minimal-risk" in text
    assert (tmp_path / "ride" / "ride.mcap").stat().st_size > 10_000
