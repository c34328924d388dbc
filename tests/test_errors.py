"""Errors: what all of them can do."""

import copy
from dataclasses import replace

import pytest

import like_keras_core as lk
from like_keras_core import errors
from like_keras_core.errors import LkError
from like_keras_core.issue import Issue
from like_keras_core.report import RunReport

REPORT = RunReport(engine="plain", system="demo", iterations=7)
EXAMPLES = [
    errors.CapabilityError("dora", "delay", "the delay"),
    errors.CodecError("no"),
    errors.ComponentError("camera", "main", "forward", 3, "OSError", report=REPORT),
    errors.EngineBrokenError("dora", "lk-engine-dora", "broken", "no", "1.0"),
    errors.EngineContractError("dora", "one\nrule", "another"),
    errors.EngineNotFoundError("doro", ["dora"]),
    errors.EngineOptionError("dora", ["foor"], ["floor"]),
    errors.FrameError("it is odd", "an even one", 3),
    errors.GraphError([Issue("one"), Issue("two")], "demo"),
    errors.HostLostError("camera", "killed", "jetson", 3, ["bye"]),
    errors.LaunchTimeoutError(2.0, REPORT),
    errors.LoadError("no"),
    errors.MixedEnginesError({"dora": ["a"], "ros2": ["b"]}),
    errors.NotAllowedError("camera:Camera", ["robot"]),
    errors.NotSerializableError("no"),
    errors.OutputError("no"),
    errors.ParameterError(["one", "two"]),
    errors.PluginError("mcap", "lk-record-mcap 1.0", "launch", "no", REPORT),
    errors.SpecError("no"),
    errors.SpecVersionError(9, 1),
    errors.ValueMutationError("sort", "sort.values"),
    errors.VersionMismatchError({"camera": "1.0"}),
]


def below(kind: type[LkError]) -> set[type[LkError]]:
    """Return the errors of the core that derive from one."""
    found: set[type[LkError]] = set()
    for item in kind.__subclasses__():
        if item.__module__ == errors.__name__:
            found |= {item} | below(item)
    return found


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_can_be_copied(error: LkError) -> None:
    """As a pool of processes does: with its text, its attributes and its notes."""
    error.__notes__ = ["while it was tried"]  # type: ignore[attr-defined]

    twin = copy.copy(error)

    assert (type(twin), str(twin), twin.args) == (type(error), str(error), error.args)
    assert vars(twin) == vars(error)


def test_every_error_has_an_example() -> None:
    """So that a new one is tried too."""
    assert {type(error) for error in EXAMPLES} == below(LkError) - {errors.EngineError}


def test_the_copy_of_an_error_is_its_own() -> None:
    """A report that it is given later is not the other's."""
    error = lk.ComponentError("camera", "main", "forward", 3, "OSError", report=REPORT)
    twin = copy.copy(error)

    twin.report = replace(REPORT, iterations=8)

    assert error.report == REPORT


def test_an_issue_can_be_copied() -> None:
    """It is a string that knows more than its text."""
    issue = Issue("Odd.", code="odd", address="a.b", severity="warning", plugin="mine")

    assert copy.copy(issue).to_dict() == issue.to_dict()
