"""Generated scenarios about groups, their protocols and commits."""

import pytest

from tests.engine.examining import SEEDS, search
from tests.engine.mixtures import Focus


@pytest.mark.parametrize("seed", SEEDS)
def test_groups_and_their_protocols_keep_every_law(seed):
    search(Focus.GROUPS, seed)
