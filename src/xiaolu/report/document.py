"""Pages are templates beside this file: `head.html`, which all of them begin with, and what is their own."""

from importlib.resources import files
from pathlib import Path
from string import Template

FOLDER = Path(str(files("xiaolu"))) / "report"


def document(name: str, title: str, **values: object) -> str:
    """Return a page's HTML: template NAME.html with its head and values put in; title and values are HTML already.

    Raises KeyError for a place of the template that no value fills.
    """
    head, own = (Template((FOLDER / f"{part}.html").read_text(encoding="utf-8")) for part in ("head", name))
    return own.substitute(values, title=title, head=head.substitute(title=title).rstrip())
