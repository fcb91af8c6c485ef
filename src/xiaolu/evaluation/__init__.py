"""Rides judged: what would have needed a person, how comfortable it was, how far it got."""
