"""What `launch(progress=...)` is told while a run goes on."""

from like_keras_core import RunReport, System
from like_keras_core.report import Progress
from like_keras_core.testing.components import Count, Scale


def test_progress_says_what_has_been_done() -> None:
    """By component and connection, as the report at the end does."""
    told: list[RunReport] = []

    def progress(ticks: int) -> None:
        assert isinstance(ticks, Progress)
        report = ticks.report()
        assert report is not None
        assert report.iterations == ticks
        told.append(report)

    last = System([Count(), Scale()]).launch(500, engine="native", progress=progress)

    first, name = told[0], "count.output -> scale.value"
    assert told[-1].components["scale"].fired == last.components["scale"].fired == 500
    assert first.connections[name].messages == first.iterations
    assert {report.ended_by for report in told} == {"running"}
