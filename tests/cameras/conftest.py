"""A renderer for the small town; everything that draws skips where no OpenGL context can be made."""

import pytest

from xiaolu.cameras.context import NoGraphicsError
from xiaolu.cameras.renderer import Renderer


@pytest.fixture(scope="session")
def renderer(small_town):
    try:
        made = Renderer(small_town)
    except NoGraphicsError as reason:
        pytest.skip(str(reason))
    with made:
        yield made
