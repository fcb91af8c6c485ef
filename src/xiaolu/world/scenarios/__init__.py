"""Scenarios: families as data, and the pure function from a family and a seed to what happens where."""
