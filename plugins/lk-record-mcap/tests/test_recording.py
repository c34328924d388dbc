"""A launch is recorded: all that it sent, and what is known of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from components import (  # type: ignore[import-not-found]
    Count,
    Pass,
    Script,
)
from mcap.reader import make_reader
from robots import driven, robot, tripping  # type: ignore[import-not-found]

from like_keras_core import ComponentError, GraphError, System, SystemSpec
from like_keras_core.errors import EndOfStream
from like_keras_core.testing import same
from lk_record_mcap import Recording, RecordingError


def record(system: System, iterations: int | None = 10, **options: Any) -> Recording:
    """Record a launch, and check that it has what the report has."""
    path = options.setdefault("record_to", "run.mcap")
    report = system.launch(iterations, record="all", **options)
    recording = Recording(path)
    for port in recording.ports:
        assert same(recording.values(port), report.records[port])
    assert recording.iterations == report.iterations
    assert recording.ended_by == report.ended_by
    return recording


def test_a_large_buffer_that_is_filled_anew_is_recorded_as_it_was_sent() -> None:
    """Though it is written after it was sent, and others pass it on."""
    recording = record(driven(), 20)

    for port in ("driver.output", "window.output"):
        lights = [int(image.mean()) for _, image in recording.values(port)]
        assert lights == list(range(1, 21))


def test_a_recording_has_what_the_report_has() -> None:
    """Every value of every port, by tick."""
    recording = record(robot(), 30)

    assert recording.ports == [
        "camera.output",
        "mean.output",
        "tally.output",
        "rare.output",
    ]


def test_chosen_ports_alone_may_be_recorded() -> None:
    """By address, or by the port itself."""
    system = robot()
    mean = system.components[1].outputs.output

    recording = record(system, record_ports=[mean, "rare.output"])

    assert recording.ports == ["mean.output", "rare.output"]


def test_a_recording_says_when_nothing_was_sent() -> None:
    """As runs of evenly spaced ticks: first, count, step."""
    quiet = Script([None, None, 1, 2, None, 3], name="quiet")

    recording = record(System([Count(every=3), quiet]), 9)

    assert recording.absent == {
        "count.output": [[1, 2, 1], [4, 2, 1], [7, 2, 1]],
        "quiet.output": [[0, 2, 1], [4, 2, 2], [7, 2, 1]],
    }


def test_a_recording_knows_its_run() -> None:
    """The system, the engine, the seed, the versions."""
    system = robot()

    recording = record(system, seed=5)

    assert recording.spec == system.to_spec()
    assert (recording.engine, recording.seed) == ("native", 5)
    assert {"python", "like_keras_core", "digest", "started_ns"} <= set(
        recording.metadata
    )


def test_what_lies_beyond_the_end_is_not_recorded() -> None:
    """What was sent in the tick that ends a run does not count."""
    ends = Script([1, 2, EndOfStream()], name="ends")
    count = Count()

    recording = record(System([count, ends]), None)

    assert recording.iterations == 2
    assert [tick for tick, _ in recording.values("count.output")] == [0, 1]


def test_a_failed_run_is_recorded_up_to_the_failure() -> None:
    """Those before it in the order had sent something at that tick, too."""
    with pytest.raises(ComponentError) as caught:
        tripping(4).launch(10, record="all", record_to="run.mcap")
    recording = Recording("run.mcap")

    assert recording.counted == {"camera": 5, "trips": 4}
    assert recording.ended_by == "error"
    assert recording.metadata["failed"] == "trips at tick 4: ValueError: no light"
    assert caught.value.report is not None
    for port, values in caught.value.report.records.items():
        assert same(recording.values(port), values)


def test_a_run_that_fails_before_tick_0_leaves_nothing(folder: Path) -> None:
    """So that the next one can have its name."""
    with pytest.raises(ComponentError):
        System([Script([ValueError("no camera")])]).launch(3, record_to="run.mcap")

    assert list(folder.iterdir()) == []


def test_a_recording_is_not_written_over() -> None:
    """It is found out before anything runs."""
    record(System([Count()]), 3)

    with pytest.raises(RecordingError, match="exists, and no recording is written"):
        System([Count()]).launch(3, record_to="run.mcap")
    assert Recording("run.mcap").iterations == 3


def test_messages_lie_in_the_file_by_tick() -> None:
    """MCAP's own reader finds topics, schemas and counts, and the tick as sequence."""
    recording = record(robot(), 8)

    with recording.path.open("rb") as file:
        reader = make_reader(file)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        schemas = {
            channel.topic: summary.schemas[channel.schema_id].name
            for channel in summary.channels.values()
        }
        counts = {
            summary.channels[n].topic: count
            for n, count in summary.statistics.channel_message_counts.items()
        }
        found = list(reader.iter_messages(log_time_order=False))
        files = {item.name: item.data for item in reader.iter_attachments()}
    assert schemas == {
        "camera.output": "foxglove.RawImage",
        "mean.output": "like_keras.Scalar",
        "tally.output": "like_keras.Value",
        "rare.output": "like_keras.Value",
    }
    expected = {port: len(recording.values(port)) for port in recording.ports}
    assert counts == expected
    ticks = [message.sequence for _, _, message in found]
    assert ticks == sorted(ticks)
    assert SystemSpec.from_json(files["system.json"].decode()) == recording.spec
    assert json.loads(files["ticks.json"])["counted"]["camera"] == 8


@pytest.mark.parametrize("compression", ["none", "lz4", "zstd"])
def test_a_recording_may_be_compressed(compression: str) -> None:
    """It comes back the same."""
    record(robot(), record_compression=compression)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"record_to": 3}, TypeError, "record_to is the path"),
        ({"record_ports": ["a.b"]}, TypeError, "need it: record_to='run.mcap'"),
        (
            {"record_to": "a.mcap", "record_ports": ["count.outputs"]},
            GraphError,
            r"count\.output'",
        ),
        (
            {"record_to": "a.mcap", "record_compression": "zst"},
            RecordingError,
            "Did you mean 'zstd'",
        ),
    ],
)
def test_wrong_options_are_refused(
    options: dict[str, Any], error: type[Exception], text: str, folder: Path
) -> None:
    """Before anything runs or is written."""
    with pytest.raises(error, match=text):
        System([Count()]).launch(3, **options)
    assert list(folder.iterdir()) == []


def test_a_value_that_cannot_be_written_fails_the_run() -> None:
    """Nothing is lost in silence; natively it could have been sent."""
    system = System([Script([1, 2, open], name="a"), Pass("b")])

    with pytest.raises(ComponentError, match=r"output 'a\.output' is"):
        system.launch(5, record_to="run.mcap")
    assert Recording("run.mcap").values("a.output") == [(0, 1), (1, 2)]


def test_what_is_no_recording_is_refused() -> None:
    """The text says what it is instead."""
    Path("text.mcap").write_text("hello, this is long enough to be a file")

    with pytest.raises(RecordingError, match="is not a recording of a run"):
        Recording("text.mcap")
    with pytest.raises(RecordingError, match="No such file"):
        Recording("none.mcap")


def test_a_port_that_was_not_recorded_is_named() -> None:
    """With the nearest one that was."""
    recording = record(System([Count()]), 2)

    with pytest.raises(RecordingError, match=r"Did you mean 'count\.output'"):
        recording.values("count.outpt")


def test_a_launch_that_is_not_recorded_imports_nothing_for_it() -> None:
    """The plug-in takes part in every launch, so it has to be light."""
    code = (
        "import sys; sys.path[:0] = {path!r}; from components import Count; "
        "from like_keras_core import System; System([Count()]).run(3); "
        "sys.exit('lk_record_mcap.plugin' not in sys.modules or 'mcap' in sys.modules)"
    )
    path = [entry for entry in sys.path if entry]

    done = subprocess.run([sys.executable, "-c", code.format(path=path)], check=False)

    assert done.returncode == 0
