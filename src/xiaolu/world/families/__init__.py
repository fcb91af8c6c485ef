"""Families of imaginary towns: each draws streets as a map, and furnishes what the map compiler makes of them."""
