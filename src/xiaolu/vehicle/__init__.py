"""The ego's dynamics with its actuators, and the controller that tracks a plan. Never looks at the world."""
