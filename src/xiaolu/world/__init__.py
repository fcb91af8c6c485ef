"""Towns, road users, signals: one pure step, and who can see whom."""
