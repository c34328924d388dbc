"""What a launch asks of its spec is found out once."""

import inspect
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from like_keras_core import Node, System
from like_keras_core.graph.channels import channels_of
from like_keras_core.graph.checks import check, execution_order
from like_keras_core.spec import SystemSpec
from like_keras_core.testing.components import Count, Scale
from lk_engine_dora.checks import issues_of
from lk_engine_dora.edges import edges_of
from lk_engine_dora.external_nodes import foreign_nodes

pytestmark = [pytest.mark.usefixtures("launches"), pytest.mark.timeout(60)]

QUESTIONS: tuple[Callable[..., Any], ...] = (
    channels_of,
    check,
    edges_of,
    execution_order,
    foreign_nodes,
    issues_of,
    SystemSpec.digest,
)


@pytest.fixture
def computed() -> Iterator[Counter[str]]:
    """Count how often each question is computed, in every thread."""
    codes = {inspect.unwrap(item).__code__: item.__name__ for item in QUESTIONS}
    counts: Counter[str] = Counter()

    def seen(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code in codes:
            counts[codes[frame.f_code]] += 1

    before = sys.getprofile()
    threading.setprofile(seen)
    sys.setprofile(seen)
    yield counts
    sys.setprofile(before)
    threading.setprofile(None)


def test_a_launch_computes_each_answer_once(computed: Counter[str]) -> None:
    """Whoever asks: the core, the checks, the file that is written, the processes."""
    count, scale = Count(node=Node("a")), Scale(node=Node("b"))
    scale(count())

    report = System([count, scale]).launch(3, engine="dora")

    assert report.iterations == 3
    assert computed == dict.fromkeys((item.__name__ for item in QUESTIONS), 1)
