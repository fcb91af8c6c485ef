"""Observation to tensors and tensors to Decision, without torch: training and the car use the same code."""
