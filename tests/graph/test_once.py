"""Questions that are answered once per spec."""

import copy
import dataclasses
import weakref

import pytest

from like_keras_core import System, SystemSpec
from like_keras_core.graph.channels import channels_of
from like_keras_core.graph.checks import check, execution_order
from like_keras_core.graph.once import once_per_spec
from like_keras_core.graph.segments import segments_of
from like_keras_core.testing.components import Count, Scale


class Answer:
    """Something that a weak reference can point to."""


@pytest.fixture
def spec() -> SystemSpec:
    return System([Count(), Scale()]).to_spec()


def test_a_question_is_answered_once_for_a_spec(spec: SystemSpec) -> None:
    """All who ask have the same answer; an equal spec is asked for itself."""
    asked: list[SystemSpec] = []

    @once_per_spec
    def question(spec: SystemSpec) -> Answer:
        asked.append(spec)
        return Answer()

    other = dataclasses.replace(spec)
    answers = [question(item) for item in (spec, spec, other, other)]

    assert [id(item) for item in asked] == [id(spec), id(other)]
    assert answers[0] is answers[1] is not answers[2] is answers[3]


def test_questions_do_not_share_answers(spec: SystemSpec) -> None:
    """Each has its own, None too."""
    asked: list[str] = []

    @once_per_spec
    def first(spec: SystemSpec) -> None:
        asked.append("first")

    @once_per_spec
    def second(spec: SystemSpec) -> str:
        asked.append("second")
        return "answer"

    assert [first(spec), second(spec), first(spec)] == [None, "answer", None]
    assert asked == ["first", "second"]


def test_an_exception_is_not_an_answer(spec: SystemSpec) -> None:
    """Who asks again is answered, if it can be done by then."""
    results = iter([ValueError("not yet"), None])

    @once_per_spec
    def question(spec: SystemSpec) -> str:
        if error := next(results):
            raise error
        return "answer"

    with pytest.raises(ValueError, match="not yet"):
        question(spec)

    assert question(spec) == "answer"


def test_answers_live_as_long_as_their_spec() -> None:
    """No launch keeps the spec of an earlier one in memory."""

    @once_per_spec
    def question(spec: SystemSpec) -> Answer:
        return Answer()

    spec = SystemSpec()
    answer = weakref.ref(question(spec))
    before = answer()
    del spec
    is_kept = before is not None
    del before

    assert is_kept
    assert answer() is None


def test_what_was_asked_does_not_change_a_spec(spec: SystemSpec) -> None:
    """It is equal to one that nobody has asked, and so are its copies."""
    fresh = SystemSpec.from_json(spec.to_json())
    text = repr(spec)

    check(spec)

    assert spec == fresh
    assert hash(spec) == hash(fresh)
    assert repr(spec) == text
    assert copy.deepcopy(spec) == fresh
    assert dataclasses.asdict(spec) == dataclasses.asdict(fresh)


def test_the_answers_of_the_core_cannot_be_changed(spec: SystemSpec) -> None:
    """Whoever asks next has the same object."""
    for question in (check, execution_order, channels_of, segments_of):
        assert isinstance(question(spec), tuple)
