"""Xiaolu: an open vision-language-action driver, with everything its loop needs.

A reference system, trained and tested in simulation. Not for public roads.
"""

__version__ = "0.1.0"
