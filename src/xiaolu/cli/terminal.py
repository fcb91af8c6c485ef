"""What verbs share: names that are typed in more than one place, and the sign of work going on."""

from typing import Any, Literal

ConditionName = Literal["sun", "overcast", "dusk", "rain", "low-sun", "night", "night-rain", "fog", "heavy-rain"]


def spinner(text: str) -> Any:
    """Return a context in which a person sees that something goes on, on stderr."""
    from rich.console import Console

    return Console(stderr=True).status(text)


def progress() -> Any:
    """Return a bar of work whose amount is known, on stderr: rich's `Progress`, with the time that is left."""
    from rich.console import Console
    from rich.progress import Progress

    return Progress(console=Console(stderr=True))
