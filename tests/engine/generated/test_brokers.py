"""Generated scenarios with the defaults of brokers, changed here and there."""

import pytest

from tests.engine.examining import SEEDS, search
from tests.engine.mixtures import Focus


@pytest.mark.parametrize("seed", SEEDS)
def test_presets_of_brokers_keep_every_law(seed):
    search(Focus.BROKERS, seed)
