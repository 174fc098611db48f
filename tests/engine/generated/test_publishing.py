"""Generated scenarios about batches, windows, time-outs, retries and bad links."""

import pytest

from tests.engine.examining import SEEDS, search
from tests.engine.mixtures import Focus


@pytest.mark.parametrize("seed", SEEDS)
def test_publishers_and_their_links_keep_every_law(seed):
    search(Focus.PUBLISHING, seed)
