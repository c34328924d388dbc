"""Questions that are answered once per spec, however often they are asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")
_Asked = TypeVar("_Asked", bound="RemembersAnswers")


class RemembersAnswers:
    """Frozen data that keeps what has been found out about it, as long as it lives.

    The answers are not a field: equality, hashing, `repr` and copies are without them.
    """

    __slots__ = ("_answers",)

    _answers: dict[Callable[..., Any], Any]
    """By question. Not there before the first one; nothing is ever taken out."""


def once_per_spec(
    question: Callable[[_Asked], _Answer],
) -> Callable[[_Asked], _Answer]:
    """Decorate a question about a spec: each spec object is asked once.

    All who ask get the same answer, so it must be one that cannot be changed: a tuple,
    or a read-only mapping. The question may depend on nothing but the spec. Two threads
    that ask at the same time may both find the answer; an exception is not kept.
    """

    @wraps(question)
    def ask(spec: _Asked) -> _Answer:
        try:
            answers = spec._answers
        except AttributeError:
            answers = {}
            object.__setattr__(spec, "_answers", answers)
        if question not in answers:
            answers[question] = question(spec)
        answer: _Answer = answers[question]
        return answer

    return ask
