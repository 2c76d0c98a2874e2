"""Runs after all others."""

import pytest
from blocks import BLOCKS
from fleet import PAGE

DRAWINGS = ("jwt-sync-fetch", "nginx or haproxy")


def test_every_block_of_the_page_was_run(request):
    if request.config.option.keyword:
        pytest.skip("only some tests were selected")
    assert not [str(b) for b in BLOCKS if b.page == PAGE and b.taken and not b.ran]
    assert not [str(b) for b in BLOCKS if b.page == PAGE and not b.taken and not any(word in b.text for word in DRAWINGS)]
