"""A disk that gets full while it is recorded to: the recorder failed, and says so."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from like_keras_core import Component, ComponentError, Node, System


class Frames(Component):
    """Sends arrays of 100 kB, and notes in a file whether it is active."""

    def on_activate(self) -> None:
        """Say so."""
        Path("state").write_text("on")

    def forward(self) -> np.ndarray:
        """Return one."""
        return np.zeros(100_000, np.uint8)

    def on_deactivate(self) -> None:
        """Say so."""
        Path("state").write_text("off")


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let no file grow beyond 500 kB, in the processes that are started, too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("over", ["native", "processes"])
@pytest.mark.usefixtures("small_files")
@pytest.mark.filterwarnings("ignore:The recording of this run is not finished")
def test_a_full_disk_is_a_failure_of_the_recorder(
    over: str, reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends the run, with the file and not the component that sent the value."""
    monkeypatch.chdir(tmp_path)
    engine = reference if over == "processes" else over

    with pytest.raises(ComponentError) as caught:
        System([Frames(node=Node("a"))]).launch(
            100, engine=engine, record_to="run.mcap"
        )

    text = str(caught.value)
    assert text.startswith("A tap failed on node 'a' at tick ")
    assert f"The recorder cannot write '{tmp_path}/run.mcap.parts/" in text
    assert "File too large" in text
    assert caught.value.phase == "tap"
    assert caught.value.report is not None
    assert Path("state").read_text() == "off"
