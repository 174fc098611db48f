"""Generated scenarios about leases on deliveries: push, pull, endpoints, limits."""

import pytest

from tests.engine.examining import SEEDS, search
from tests.engine.mixtures import Focus


@pytest.mark.parametrize("seed", SEEDS)
def test_queues_and_their_leases_keep_every_law(seed):
    search(Focus.QUEUES, seed)
