"""Capabilities in tests: what a test uses, and which of them a level of the kit knows.

A test that uses what the engine does not declare is not skipped: it must be refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from like_keras_core.errors import CapabilityError

LEVEL = 1
"""The newest level of the kit."""

LEVELS: dict[str, int] = {
    "delay": 1,
    "hold": 1,
    "latest": 1,
    "every": 1,
    "rate": 1,
    "record": 1,
    "multi-process": 1,
    "multi-machine": 1,
    "zero-copy": 1,
    "foreign-nodes": 1,
    "stand-alone": 1,
}
"""The level of the kit at which each capability came in."""

UNTESTED: dict[str, str] = {
    "multi-machine": "it takes a second machine",
    "foreign-nodes": "how such a node is named is the engine's own business",
}
"""Capabilities whose presence the kit cannot show, and why."""


def uses(*capabilities: str) -> Callable[[Any], Any]:
    """Mark a test with the capabilities that its systems use.

    Where the engine declares all of them, the test runs as it is. Where it does not,
    the test's launch must raise `CapabilityError`; anything else is a failure.
    """

    def mark(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def checked(self: Any, *arguments: Any, **keywords: Any) -> None:
            __tracebackhide__ = True
            lacking = [name for name in capabilities if name not in self.declared]
            if not lacking:
                test(self, *arguments, **keywords)
                return
            try:
                test(self, *arguments, **keywords)
            except CapabilityError as error:
                named = error.capability
                if named not in lacking:
                    pytest.fail(
                        f"The refusal names {named!r}; what is not declared is "
                        f"{', '.join(map(repr, lacking))}."
                    )
                return
            pytest.fail(
                f"A surprise: the engine does not declare {', '.join(lacking)}, and "
                "yet this works. Declare it, or refuse it with CapabilityError."
            )

        checked.lk_capabilities = capabilities  # type: ignore[attr-defined]
        return checked

    return mark
