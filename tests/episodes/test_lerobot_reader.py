"""LeRobot's own reader must open what we write. Needs `pip install lerobot-dataset torch torchvision`."""

import numpy as np
import pytest

from tests.episodes.recorded_moments import CAMERAS, ride
from xiaolu.episodes.dataset import DatasetWriter

reader = pytest.importorskip(
    "ledataset.datasets.lerobot_dataset", reason="the package lerobot-dataset is not installed"
)


def test_lerobot_reads_pictures_numbers_and_tasks(tmp_path):
    with DatasetWriter(tmp_path, CAMERAS) as writer:
        for seed in (1, 2):
            writer.append(ride(9, seed), seed)
    dataset = reader.LeRobotDataset("xiaolu/test", root=tmp_path)
    assert (len(dataset), dataset.num_episodes, dataset.fps) == (18, 2, 2)
    item, want = dataset[12], ride(9, 2)[3]
    image = (item["observation.images.narrow"].numpy().transpose(1, 2, 0) * 255).round().astype(np.uint8)
    np.testing.assert_array_equal(image, want.images["narrow"])
    np.testing.assert_allclose(item["action"].numpy()[:52], want.path.ravel(), atol=1e-5)
    assert item["task"] == want.instruction
