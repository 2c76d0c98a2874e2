"""Runs after all others."""

import pytest
from blocks import BLOCKS


@pytest.mark.keeps_nothing
def test_every_block_that_is_taken_was_run(request):
    if request.config.option.keyword:
        pytest.skip("only some tests were selected")
    assert not [str(b) for b in BLOCKS if b.taken and not b.ran]
