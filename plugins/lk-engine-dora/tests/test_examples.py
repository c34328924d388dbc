"""The examples of the documentation, with a process for each of their nodes."""

import importlib
import sys
from pathlib import Path

import pytest

from like_keras_core.testing import same

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"

pytestmark = [
    pytest.mark.usefixtures("launches"),
    pytest.mark.timeout(120),
    pytest.mark.skipif(not EXAMPLES.is_dir(), reason="only in the repository"),
]


@pytest.mark.parametrize(
    ("example", "make", "ticks", "needs"),
    [
        ("multi_engine", "make_system", 100, ()),
        ("face_tracking", "make_robot", 60, ("PIL", "skimage")),
        ("mobile_robot", "make_robot", 300, ()),
        ("arm_policy", "make_arm", 100, ("mujoco",)),
    ],
)
def test_an_example_gives_what_it_gives_natively(
    example: str,
    make: str,
    ticks: int,
    needs: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every value of every port."""
    for module in needs:
        pytest.importorskip(module)
    monkeypatch.setattr(sys, "path", [*sys.path, str(EXAMPLES)])
    made = getattr(importlib.import_module(example), make)
    expected = made().launch(ticks, engine="native", record="all")

    report = made().launch(ticks, engine="dora", record="all")

    assert same(report.records, expected.records)
