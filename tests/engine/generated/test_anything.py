"""Generated scenarios that mix everything."""

import pytest

from tests.engine.examining import SEEDS, search
from tests.engine.mixtures import Focus


@pytest.mark.parametrize("seed", SEEDS)
def test_mixtures_of_everything_keep_every_law(seed):
    search(Focus.ANYTHING, seed)
