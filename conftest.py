"""Settings of every test and doctest, wherever pytest was started."""

import os

from hypothesis import settings

# Figures are drawn in memory; a test machine has no screen.
os.environ["MPLBACKEND"] = "Agg"

# Test machines are slow and shared, so a deadline for one example would fail by chance. Examples
# are derived from the test itself: the same tree gives the same result.
settings.register_profile("eda_sim", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("eda_sim")
