"""A page about a ride that ended: film, map, curves, events and scores, in one self-contained file."""
