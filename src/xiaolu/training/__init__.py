"""From recorded rides to a checkpoint: collection, labels, losses, loader, and one training loop."""
