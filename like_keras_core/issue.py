"""What is wrong with a system: an `Issue` is a sentence with an address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

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

    def __reduce__(self) -> tuple[object, ...]:
        data = (self.code, self.address, self.severity, self.plugin)
        return (_rebuild, (str(self), *data))

    def by(self, plugin: str) -> Issue:
        """Return the same issue, attributed to `plugin`."""
        return self._with(plugin=plugin)

    def as_warning(self) -> Issue:
        """Return the same issue, as one that does not stop a launch."""
        return self._with(severity="warning")

    def to_dict(self) -> dict[str, str]:
        """Return the issue as JSON data."""
        return {
            "text": str(self),
            "code": self.code,
            "address": self.address,
            "severity": self.severity,
            "plugin": self.plugin,
        }

    def _with(
        self, severity: Severity | None = None, plugin: str | None = None
    ) -> Issue:
        return Issue(
            str(self),
            code=self.code,
            address=self.address,
            severity=severity or self.severity,
            plugin=plugin or self.plugin,
        )


def _rebuild(
    text: str, code: str, address: str, severity: Severity, plugin: str
) -> Issue:
    return Issue(text, code=code, address=address, severity=severity, plugin=plugin)


def errors_in(issues: Iterable[Issue]) -> list[Issue]:
    """Return the issues that stop a compile or a launch."""
    return [issue for issue in issues if issue.severity == "error"]
