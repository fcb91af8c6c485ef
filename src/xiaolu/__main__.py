"""`python -m xiaolu` is `xiaolu`."""

from xiaolu.cli import main

main()
