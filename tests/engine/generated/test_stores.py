"""Generated scenarios about limits, replicas, failovers and lost disks."""

import pytest

from tests.engine.examining import SEEDS, search
from tests.engine.mixtures import Focus


@pytest.mark.parametrize("seed", SEEDS)
def test_stores_and_their_nodes_keep_every_law(seed):
    search(Focus.STORES, seed)
