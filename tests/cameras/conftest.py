"""A renderer for the small town; everything that draws skips where no OpenGL context can be made."""

import pytest

from xiaolu.cameras.context import NoGraphicsError
from xiaolu.cameras.renderer import Renderer


@pytest.fixture(scope="session")
def renderer(small_town):
    try:
        with Renderer(small_town) as made:
            yield made
    except NoGraphicsError as reason:
        pytest.skip(str(reason))
