"""The replies of jwtd compared with those of simplejwt, byte for byte."""

import pytest
from recorder import DIFFERENCES, explained, fault_of, matches, replies
from wire_cases import all_cases
from wire_differences import SIMPLEJWT

CASES = all_cases()


@pytest.fixture(scope="module")
def recorded(build):
    return {case.name: pair for case, *pair in replies(build, CASES)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_reply_is_simplejwts_but_for_the_named_differences(recorded, case):
    fault = fault_of(case, *recorded[case.name])
    assert not fault, fault


def test_every_difference_is_met_by_a_case_and_explained():
    idle = [d.name for d in DIFFERENCES if not any(matches(d, c) for c in CASES)]
    assert not idle, f"no case for {idle}"
    names = {d.name for d in DIFFERENCES}
    assert names == explained(), f"otherwise in docs/simplejwt.md for {SIMPLEJWT}: {sorted(names ^ explained())}"


def test_no_case_was_lost(recorded):
    same = sum(theirs == ours for theirs, ours in recorded.values())
    print(f"# {len(CASES)} cases compared with simplejwt {SIMPLEJWT}: {same} the same, the others differ in "
          f"{len({d.name for d in DIFFERENCES})} named ways")
    assert len(CASES) >= 650
