"""What is wrong with a system: an `Issue` is a sentence with an address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

Severity = Literal["error", "warning"]


class Issue(str):
    """A sentence about a system, which also knows where, how bad, and who says so.

    Args:
        text: What is wrong, what was expected, and how to mend it.
        code: A stable name for this kind of issue, such as `"unfed-input"`.
        address: The component, port, node or connection that it is about.
        severity: `"error"` stops a compile or launch; `"warning"` does not.
        plugin: The plug-in that found it; `"core"` for the core's own checks.
    """

    __slots__ = ("address", "code", "plugin", "severity")

    code: str
    address: str
    severity: Severity
    plugin: str

    def __new__(
        cls,
        text: str,
        *,
        code: str = "issue",
        address: str = "",
        severity: Severity = "error",
        plugin: str = "core",
    ) -> Issue:
        """Make the sentence; what it knows is set here, since text is immutable."""
        issue = super().__new__(cls, text)
        issue.code = code
        issue.address = address
        issue.severity = severity
        issue.plugin = plugin
        return issue

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (str(self),), self._facts()

    def by(self, plugin: str) -> Issue:
        """Return the same issue, attributed to `plugin`."""
        return Issue(str(self), **{**self._facts(), "plugin": plugin})

    def as_warning(self) -> Issue:
        """Return the same issue, as one that does not stop a launch."""
        return Issue(str(self), **{**self._facts(), "severity": "warning"})

    def to_dict(self) -> dict[str, str]:
        """Return the issue as JSON data."""
        return {"text": str(self), **self._facts()}

    def _facts(self) -> dict[str, Any]:
        """Return all but the text."""
        return {
            "code": self.code,
            "address": self.address,
            "severity": self.severity,
            "plugin": self.plugin,
        }


def errors_in(issues: Iterable[Issue]) -> list[Issue]:
    """Return the issues that stop a compile or a launch."""
    return [issue for issue in issues if issue.severity == "error"]
