"""Pictures that answer to sliders: the explorer of a scenario's parameters."""
