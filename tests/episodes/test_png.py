"""Lamps are a few pixels: a picture that is not exact, or that only we can open, is worth nothing."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from PIL import Image

from xiaolu.episodes.png import decoded, png

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=40).map(lambda shape: (*shape, 3))


@settings(deadline=None)
@given(hnp.arrays(np.uint8, SHAPES))
def test_any_image_comes_back_exactly_and_opens_elsewhere(image):
    data = png(image)
    np.testing.assert_array_equal(decoded(data), image)
    with Image.open(io.BytesIO(data)) as file:
        file.verify()
        assert (file.format, file.mode) == ("PNG", "RGB")


def test_an_image_seen_from_a_larger_one_is_the_same():
    atlas = np.random.default_rng(0).integers(0, 256, (50, 60, 4), dtype=np.uint8)
    view = atlas[10:40, 5:45, :3]
    np.testing.assert_array_equal(decoded(png(view)), view)


def test_other_arrays_are_refused():
    with pytest.raises(ValueError, match="uint8"):
        png(np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match="expected"):
        png(np.zeros((4, 4), np.uint8))
