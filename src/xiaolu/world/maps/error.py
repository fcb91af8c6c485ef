"""What an import raises when a source cannot become a town."""


class MapError(ValueError):
    """A map that cannot become a town. The message names the file, what is wrong with it, and the way out."""
