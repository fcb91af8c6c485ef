"""The network family, its checkpoints and their export. Torch lives here and in training only."""
