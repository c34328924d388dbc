"""Random systems over dora: they give what one process gives."""

import pytest
from hypothesis import given

from lk_engine_dora import DoraEngine
from tests.random_runs import check_equal, settled
from tests.splits import Split, splits


@pytest.mark.usefixtures("launches")
@pytest.mark.timeout(300)
@settled(20)
@given(system=splits())
def test_twenty_systems(system: Split) -> None:
    """Records, counts, messages, errors and the end."""
    check_equal(DoraEngine(), system)


@pytest.mark.slow
@pytest.mark.usefixtures("launches")
@pytest.mark.timeout(1200)
@settled(100)
@given(system=splits())
def test_a_hundred_systems(system: Split) -> None:
    """And these."""
    check_equal(DoraEngine(), system)
