"""ROS 2's rules for names, as rcl has them, and names that follow them.

The functions find what rclpy's validators find, in the same order and with the same
words, and need no ROS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

LONGEST_NODE_NAME = 255
LONGEST_NAMESPACE = 245
LONGEST_TOPIC = 247
"""DDS takes 255 characters, of which ROS needs 8 for its own prefix and suffix."""

_ODD_IN_NAME = re.compile(r"[^A-Za-z0-9_]")
_PACKAGE = re.compile(r"[a-z](?:_?[a-z0-9])*")
_MESSAGE_TYPE = re.compile(r"([a-z](?:_?[a-z0-9])*)/msg/[A-Z][A-Za-z0-9]*")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a name.

    Args:
        kind: What it should be a name of.
        name: The name.
        rule: What it breaks, in rcl's words.
        index: The first character that does.
    """

    kind: str
    name: str
    rule: str
    index: int

    def __str__(self) -> str:
        # A name with a line break would tear the caret from its character.
        start, rest = self.name[: self.index], self.name[self.index :]
        shown, before = (repr(part)[1:-1] for part in (start + rest, start))
        caret = " " * len(before) + "^"
        return f"{self.kind} {self.rule}:\n  '{shown}'\n   {caret}"


_Rules = tuple[Mapping[str, str], ...]
"""What breaks a rule, as a regular expression, and the rule. The first mapping with a
broken rule counts, and in it the one that is broken first."""


def _too_long(longest: int) -> Mapping[str, str]:
    rule = f"length should not exceed '{longest}'"
    return {rf"(?<=\A.{{{longest - 1}}}).(?=.)": rule}


def _path_rules(end: str, longest: int) -> _Rules:
    odd = "must not contain characters other than alphanumerics, '_', or '/'"
    return (
        {r"\A\Z": "must not be empty"},
        {r"\A[^/]": "must be absolute, it must lead with a '/'"},
        {r"/\Z": end},
        {r"[^A-Za-z0-9_/]": odd},
        {
            r"(?<=/)[0-9]": "must not have a token that starts with a number",
            r"(?<=/)/": "must not contain repeated '/'",
        },
        _too_long(longest),
    )


_NODE: _Rules = (
    {r"\A\Z": "must not be empty"},
    {
        _ODD_IN_NAME.pattern: "must not contain characters other than alphanumerics "
        "or '_'"
    },
    {r"\A[0-9]": "must not start with a number"},
    _too_long(LONGEST_NODE_NAME),
)
_NAMESPACE = _path_rules(
    "must not end with a '/', unless only a '/'", LONGEST_NAMESPACE
)
_TOPIC = _path_rules("must not end with a '/'", LONGEST_TOPIC)
_PACKAGE_RULES: _Rules = (
    {r"\A.?\Z": "must have two characters or more"},
    {r"\A[^a-z]": "must start with a lower-case letter"},
    {
        r"[^a-z0-9_]": "must not contain characters other than lower-case letters, "
        "digits, '_'"
    },
    {r"(?<=_)_|_\Z": "must not repeat '_', or end with it"},
)


def _problem(kind: str, name: str, rules: _Rules) -> Problem | None:
    for level in rules:
        broken = [
            (found.start(), rule)
            for wrong, rule in level.items()
            if (found := re.search(wrong, name, re.DOTALL))
        ]
        if broken:
            index, rule = min(broken)
            return Problem(kind, name, rule, index)
    return None


def node_name_problem(name: str) -> Problem | None:
    """Say what keeps a string from being a node's name."""
    return _problem("node name", name, _NODE)


def namespace_problem(name: str) -> Problem | None:
    """Say what keeps a string from being a namespace."""
    return None if name == "/" else _problem("namespace", name, _NAMESPACE)


def topic_problem(name: str) -> Problem | None:
    """Say what keeps a string from being the full name of a topic."""
    return _problem("topic name", name, _TOPIC)


def package_problem(name: str) -> Problem | None:
    """Say what keeps a string from being a package's name (REP 144)."""
    return _problem("package name", name, _PACKAGE_RULES)


def message_type_problem(name: str) -> Problem | None:
    """Say what keeps a string from being a message's type: `sensor_msgs/msg/Image`."""
    if _MESSAGE_TYPE.fullmatch(name):
        return None
    # The longest start that some type has: behind it is the first wrong character.
    index = max((n for n in range(len(name) + 1) if _starts_type(name[:n])), default=0)
    return Problem("message type", name, "must be 'package/msg/Name'", index)


def _starts_type(text: str) -> bool:
    parts = text.split("/")
    package = parts[0] + ("0" if parts[0].endswith("_") and len(parts) == 1 else "")
    if text and not _PACKAGE.fullmatch(package):
        return False
    if len(parts) == 2:
        return "msg".startswith(parts[1])
    if len(parts) == 3:
        return parts[1] == "msg" and bool(
            re.fullmatch(r"([A-Z][A-Za-z0-9]*)?", parts[2])
        )
    return len(parts) == 1


def token(name: str) -> str:
    """Return a name made into one that ROS takes for a node or a part of a topic.

    What is not an ASCII letter, digit or `_` becomes `_`; runs of `_` become one, and
    those at the ends go, since a leading one hides a topic; before a digit comes `n_`.
    """
    plain = re.sub(r"_+", "_", _ODD_IN_NAME.sub("_", name)).strip("_")
    return plain if plain[:1].isalpha() else f"n_{plain}".rstrip("_")


def tokens(address: str) -> str:
    """Return an address as a part of a topic: its dots become `/`."""
    return "/".join(map(token, address.split(".")))
