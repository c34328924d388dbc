"""ROS 2's rules for names, as rcl has them, and names that follow them.

The functions find what rclpy's validators find, in the same order and with the same
words, and need no ROS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_NODE_NAME = 255
LONGEST_NAMESPACE = 245
LONGEST_TOPIC = 247
"""DDS takes 255 characters, of which ROS needs 8 for its own prefix and suffix."""

_DIGITS = "0123456789"
_ODD_IN_NAME = re.compile(r"[^A-Za-z0-9_]")
_ODD_IN_PATH = re.compile(r"[^A-Za-z0-9_/]")
_DIGIT_TOKEN = re.compile(r"/(?=[0-9/])")
_PACKAGE = re.compile(r"[a-z](?:_?[a-z0-9]+)*")
_MESSAGE_TYPE = re.compile(r"([a-z](?:_?[a-z0-9]+)*)/msg/[A-Z][A-Za-z0-9]*")


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


def node_name_problem(name: str) -> Problem | None:
    """Say what keeps a string from being a node's name."""
    kind = "node name"
    if not name:
        return Problem(kind, name, "must not be empty", 0)
    odd = _ODD_IN_NAME.search(name)
    if odd:
        rule = "must not contain characters other than alphanumerics or '_'"
        return Problem(kind, name, rule, odd.start())
    if name[0] in _DIGITS:
        return Problem(kind, name, "must not start with a number", 0)
    if len(name) > LONGEST_NODE_NAME:
        rule = f"length should not exceed '{LONGEST_NODE_NAME}'"
        return Problem(kind, name, rule, LONGEST_NODE_NAME - 1)
    return None


def namespace_problem(name: str) -> Problem | None:
    """Say what keeps a string from being a namespace."""
    if name == "/":
        return None
    end = "must not end with a '/', unless only a '/'"
    return _path_problem("namespace", name, end, LONGEST_NAMESPACE)


def topic_problem(name: str) -> Problem | None:
    """Say what keeps a string from being the full name of a topic."""
    return _path_problem("topic name", name, "must not end with a '/'", LONGEST_TOPIC)


def _path_problem(kind: str, name: str, end: str, longest: int) -> Problem | None:
    if not name:
        return Problem(kind, name, "must not be empty", 0)
    if name[0] != "/":
        return Problem(kind, name, "must be absolute, it must lead with a '/'", 0)
    if name[-1] == "/":
        return Problem(kind, name, end, len(name) - 1)
    odd = _ODD_IN_PATH.search(name)
    if odd:
        rule = "must not contain characters other than alphanumerics, '_', or '/'"
        return Problem(kind, name, rule, odd.start())
    bad = _DIGIT_TOKEN.search(name)
    if bad:
        index = bad.end()
        rule = "must not have a token that starts with a number"
        if name[index] == "/":
            rule = "must not contain repeated '/'"
        return Problem(kind, name, rule, index)
    if len(name) > longest:
        return Problem(kind, name, f"length should not exceed '{longest}'", longest - 1)
    return None


def package_problem(name: str) -> Problem | None:
    """Say what keeps a string from being a package's name (REP 144)."""
    if _PACKAGE.fullmatch(name) and len(name) > 1:
        return None
    kind = "package name"
    if len(name) < 2:
        return Problem(kind, name, "must have two characters or more", 0)
    if not re.match(r"[a-z]", name):
        return Problem(kind, name, "must start with a lower-case letter", 0)
    odd = re.search(r"[^a-z0-9_]", name)
    if odd:
        rule = "must not contain characters other than lower-case letters, digits, '_'"
        return Problem(kind, name, rule, odd.start())
    twice = re.search(r"_(?=_)|_$", name)
    index = twice.end() if twice and twice.end() < len(name) else len(name) - 1
    return Problem(kind, name, "must not repeat '_', or end with it", index)


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
