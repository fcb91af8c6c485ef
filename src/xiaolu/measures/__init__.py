"""Pure metric functions on arrays: comfort, geometry, interventions, rates, and what strategy a plan is."""
