"""What was sent beyond the end of a run stays in its recording, and does not count."""

from __future__ import annotations

from pathlib import Path

from mcap.reader import make_reader

from like_keras_core import Component, EndOfStream, System
from like_keras_core.testing.components import Count
from lk_record_mcap import Recording, replay


class Ends(Component):
    """Ends the run at a number."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def forward(self, value: int) -> int:
        """Return the number."""
        if value == self.at:
            raise EndOfStream
        return value


def system() -> System:
    """Return a source, and one that ends the run at tick 3."""
    return System([Count(), Ends(3)])


def test_it_is_marked_and_does_not_count(tmp_path: Path) -> None:
    """The source had fired at the tick at which the other one ended the run."""
    path = tmp_path / "run.mcap"
    system().launch(record_to=path)

    recording = Recording(path)
    beyond = list(recording.messages_beyond_end())

    assert recording.values("count.output") == [(0, 0), (1, 1), (2, 2)]
    assert {message.port for message in recording.messages()} == set(recording.ports)
    (message,) = beyond
    assert (message.port, message.tick) == ("count.output", 3)
    assert recording.value(message) == 3
    assert replay(path, system()).is_equal


def test_viewers_see_it_as_a_topic_of_its_own(tmp_path: Path) -> None:
    """So that nobody takes it for what the run has done."""
    path = tmp_path / "run.mcap"
    system().launch(record_to=path)

    with path.open("rb") as file:
        summary = make_reader(file).get_summary()

    assert summary is not None
    topics = {channel.topic: channel.metadata for channel in summary.channels.values()}
    assert topics["beyond_end/count.output"]["beyond_end"] == "count.output"
    assert "beyond_end" not in topics["count.output"]
