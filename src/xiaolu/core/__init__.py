"""The words everyone speaks: types, frames, units, rates and protocols. Imports nothing but NumPy."""
