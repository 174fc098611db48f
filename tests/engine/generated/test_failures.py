"""Generated scenarios about handlers that fail, and faults of every kind."""

import pytest

from tests.engine.examining import SEEDS, search
from tests.engine.mixtures import Focus


@pytest.mark.parametrize("seed", SEEDS)
def test_failing_handlers_and_faults_keep_every_law(seed):
    search(Focus.FAILURES, seed)
