"""Taps: objects made in each process that see the values of a port go by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from like_keras_core.codecs.json import decode
from like_keras_core.entry_point import resolve
from like_keras_core.errors import LkError
from like_keras_core.port import OutputPort
from like_keras_core.runtime.failure import Failure


@dataclass(frozen=True, slots=True)
class Tap:
    """Calls an object with `(tick, value)` after each emission on a port.

    Args:
        port: The output port, or its address.
        entry_point: `"package.module:Class"`; made once in the port's process. If the
            object has a `close`, that is called after the last `on_shutdown` there.
        config: JSON keyword arguments of the class.
    """

    port: OutputPort | str
    entry_point: str
    config: Mapping[str, Any] = field(default_factory=dict)

    def make(self) -> Any:
        """Make the object that is called.

        Raises:
            LoadError: Its class cannot be found.
        """
        return resolve(self.entry_point)(**decode(dict(self.config)))

    def failed(self, what: str, error: Exception) -> LkError:
        """Return the error that names this tap for one that its object raised."""
        name = f"{self.entry_point!r} on {self.port!r}"
        return LkError(f"The tap {name} {what} {type(error).__name__}: {error}")


class Taps:
    """The taps of one process, from their making to their closing.

    Args:
        taps: Which; their ports are addresses.
    """

    def __init__(self, taps: Iterable[Tap]) -> None:
        self._taps = list(taps)
        self._made: list[tuple[Tap, Any]] = []

    def make(self) -> dict[str, list[Callable[[int, Any], None]]]:
        """Make the objects, and return by port what is called.

        Raises:
            LoadError: The class of one cannot be found.
        """
        found: dict[str, list[Callable[[int, Any], None]]] = {}
        for tap in self._taps:
            made = tap.make()
            self._made.append((tap, made))
            found.setdefault(str(tap.port), []).append(_guarded(tap, made))
        return found

    def close(self) -> Failure | None:
        """Call `close` of the objects that have one; of all of them, and once.

        Returns:
            The first failure.
        """
        first = None
        made, self._made = self._made, []
        for tap, item in made:
            try:
                if hasattr(item, "close"):
                    item.close()
            except Exception as error:  # noqa: BLE001 - all of them get their turn
                name = str(tap.port).rpartition(".")[0]
                failed = tap.failed("was closed, and raised", error)
                failed.__cause__ = error
                first = first or Failure(name, "on_shutdown", None, failed)
        return first


def _guarded(
    tap: Tap, call: Callable[[int, Any], object]
) -> Callable[[int, Any], None]:
    """Return what calls an object, and names its tap where that fails."""

    def guarded(tick: int, value: Any) -> None:
        try:
            call(tick, value)
        except Exception as error:
            raise tap.failed("raised", error) from error

    return guarded
