"""The one loop: world, cameras, driver, guardian, controller and vehicle, with forks, takeover and subscribers.

Importing this room registers the Gymnasium environment "xiaolu/Ride-v0"; that costs a dictionary entry.
"""

import gymnasium

ENVIRONMENT = "xiaolu/Ride-v0"

if ENVIRONMENT not in gymnasium.registry:
    gymnasium.register(id=ENVIRONMENT, entry_point="xiaolu.ride.gym:RideEnv")
