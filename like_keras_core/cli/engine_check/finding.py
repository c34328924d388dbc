"""One line of an examination: what was looked at, how it is, and what to do."""

from __future__ import annotations

from typing import Literal, NamedTuple

Outcome = Literal["PASS", "WARN", "FAIL"]


class Check(NamedTuple):
    """One line of the examination."""

    outcome: Outcome
    subject: str
    text: str
