"""An engine's name makes all the other names of its distribution."""

from __future__ import annotations

import pytest

from like_keras_core.cli.engine_scaffold.names import Names, ScaffoldError


def test_one_name_makes_all_others() -> None:
    """Distribution, package and class follow from it."""
    names = Names("hydraulic-press2")

    assert names.distribution == "lk-engine-hydraulic-press2"
    assert names.package == "lk_engine_hydraulic_press2"
    assert names.engine_class == "HydraulicPress2Engine"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("", ""),
        ("9x", ""),
        ("Steam", "Did you mean 'steam'?"),
        ("my_engine", "Did you mean 'my-engine'?"),
        ("../up", "Did you mean 'up'?"),
        ("x--y", "Did you mean 'x-y'?"),
        ("x" * 41, "at most 40 characters"),
        ("lk-engine-steam", "Did you mean 'steam'?"),
        ("native", "lk-engine-native"),
    ],
)
def test_a_name_that_will_not_do_is_refused(name: str, advice: str) -> None:
    """With the nearest one that would."""
    with pytest.raises(ScaffoldError) as caught:
        Names(name)

    assert advice in str(caught.value)
