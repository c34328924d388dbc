"""Capabilities in tests: what a test uses.

A test that uses what the engine does not declare is not skipped: it must be refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from like_keras_core.errors import CapabilityError


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
