"""A file of parameters: YAML, read so that every value has the line that it is from.

Plain scalars are those of YAML 1.2, of which JSON is a part: `on` is a string, 010 is
ten, 1e3 is a number. Only plain data can be in it, and a key only once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from like_keras_core.authoring.param_check import Given
from like_keras_core.errors import ParameterError

_LARGEST = 16 * 2**20
"""The size of a file that is read [bytes]."""

_MOST = 1_000_000
"""How many values a file may have, with what its anchors stand for."""

_SCALARS = {
    "null": r"^(?:~|null|Null|NULL|)$",
    "bool": r"^(?:true|True|TRUE|false|False|FALSE)$",
    "int": r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$",
    "float": (
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
}
_TAG = "tag:yaml.org,2002:"


class Section(dict[str, Any]):
    """A mapping of a file, which knows the line of each key."""

    lines: Mapping[Any, int]


def read_params(path: str) -> Given:
    """Read a file of parameters.

    Raises:
        ParameterError: It cannot be read, or is not a mapping in YAML.
    """
    try:
        import yaml
    except ImportError:
        raise ParameterError(
            [f"To read {path!r}, pyyaml is needed: pip install pyyaml"]
        ) from None
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise ValueError(f"it has more than {_LARGEST >> 20} MiB")
        node = yaml.compose(data.decode("utf-8-sig"), _loader())
        values = Section() if node is None else _Reader().read(node)
        if node is None:
            values.lines = {}
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise _unreadable(path, "it is not text in UTF-8") from None
    except RecursionError:
        raise _unreadable(path, "it is nested too deeply") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = error.problem or error.context or "it is not YAML"
        raise _unreadable(path, f"{line}{problem}") from None
    except yaml.YAMLError as error:
        first = str(error).partition("\n")[0]
        raise _unreadable(path, f"it is not YAML: {first}") from None
    except ValueError as error:
        raise _unreadable(path, str(error)) from None
    if not isinstance(values, Section):
        raise _unreadable(
            path,
            "expected a mapping from components to their arguments, as "
            f"'controller: {{gain: 5}}'; got {type(values).__name__}",
        )
    return Given(values, path)


def _unreadable(path: str, why: str) -> ParameterError:
    return ParameterError([f"Cannot read the parameters of {path!r}: {why}."])


@lru_cache(maxsize=1)
def _loader() -> Any:
    """Return pyyaml's safe loader, with the scalars of YAML 1.2."""
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    for name, pattern in _SCALARS.items():
        Loader.add_implicit_resolver(_TAG + name, re.compile(pattern), None)
    return Loader


class _Reader:
    """Makes plain data of a file's nodes."""

    def __init__(self) -> None:
        self._count = 0

    def read(self, node: Any) -> Any:
        """Return what a node stands for.

        Raises:
            ValueError: It is not plain data, or a key comes twice; the text begins with
                the line.
        """
        line = node.start_mark.line + 1
        self._count += 1
        if self._count > _MOST:
            raise ValueError(f"line {line}: with its anchors it has too many values")
        kind = node.tag.removeprefix(_TAG)
        if node.id == "sequence" and kind == "seq":
            return [self.read(item) for item in node.value]
        if node.id == "mapping" and kind == "map":
            return self._section(node)
        if node.id != "scalar" or kind not in _MAKERS:
            raise ValueError(f"line {line}: the tag {node.tag!r} is not plain data")
        try:
            return _MAKERS[kind](node.value)
        except (ValueError, KeyError):
            text = f"line {line}: {node.value[:40]!r} cannot be read as {kind}"
            raise ValueError(text) from None

    def _section(self, node: Any) -> Section:
        found = Section()
        lines: dict[Any, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.id != "scalar":
                raise ValueError(f"line {line}: a key is one word, not a collection")
            key = self.read(key_node)
            if key in lines:
                raise ValueError(
                    f"line {line}: the key {key!r:.80} stands there already, in line "
                    f"{lines[key]}"
                )
            lines[key] = line
            found[key] = self.read(value_node)
        found.lines = lines
        return found


def _int(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text, base)


def _float(text: str) -> float:
    number = float(text.replace(".inf", "inf").replace(".nan", "nan"))
    if math.isinf(number) and "inf" not in text:
        raise ValueError(text)
    return number


_MAKERS: Mapping[str, Callable[[str], Any]] = {
    "str": str,
    "null": lambda text: None,
    "bool": lambda text: {"true": True, "false": False}[text.lower()],
    "int": _int,
    "float": lambda text: _float(text.lower()),
}
