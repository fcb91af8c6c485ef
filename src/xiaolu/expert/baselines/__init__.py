"""Drivers that need no learning, so that scores mean something: standing still, constant speed, IDM, PDM-Closed."""
