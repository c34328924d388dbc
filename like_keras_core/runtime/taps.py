"""Taps: objects made in each process that see the values of a port go by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from like_keras_core.runtime.failure import Failure
from like_keras_core.spec import component_of
from like_keras_core.tap import Tap


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

    def settled(
        self, forwards: Mapping[str, Callable[..., Any]]
    ) -> Mapping[str, Callable[..., Any]]:
        """Return what fires each component: before that, what was made settles."""
        settles = self._settles()
        if not settles:
            return forwards
        return {name: _after(settles, forward) for name, forward in forwards.items()}

    def settle(self) -> Failure | None:
        """Call `settle` of the objects that have one; of all of them.

        Returns:
            The first failure.
        """
        first = None
        for tap, settle in self._settles():
            try:
                settle()
            except Exception as error:  # noqa: BLE001 - all of them get their turn
                first = first or _failure(tap, "settled, and raised", error)
        return first

    def _settles(self) -> list[tuple[Tap, Callable[[], object]]]:
        """Return what there is to call, each once, with a tap that it belongs to."""
        found: list[tuple[Tap, Callable[[], object]]] = []
        for tap, made in self._made:
            settle = getattr(made, "settle", None)
            if settle is not None and all(settle != other for _, other in found):
                found.append((tap, settle))
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
                first = first or _failure(tap, "was closed, and raised", error)
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


def _after(
    settles: Sequence[tuple[Tap, Callable[[], object]]], forward: Callable[..., Any]
) -> Callable[..., Any]:
    """Return what fires a component once all has settled."""

    def fire(*args: Any, **kwargs: Any) -> Any:
        for tap, settle in settles:
            try:
                settle()
            except Exception as error:
                raise tap.failed("settled, and raised", error) from error
        return forward(*args, **kwargs)

    return fire


def _failure(tap: Tap, what: str, error: Exception) -> Failure:
    """Return what a tap did wrong when its components were leaving."""
    failed = tap.failed(what, error)
    failed.__cause__ = error
    return Failure(component_of(str(tap.port)), "on_shutdown", None, failed)
