"""Episodes: the stream of steps to files and back. Ride logs are MCAP, training data is LeRobot v3."""
