"""Taps: objects made in each process that see the values of a port go by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FrameType
from typing import Any

from like_keras_core.errors import LkError
from like_keras_core.runtime.failure import Failed, Failure
from like_keras_core.runtime.stop_signals import came_by_signal
from like_keras_core.spec import component_of
from like_keras_core.tap import Tap

_codes: set[int] = set()
"""The code of the functions by which taps are called within ticks."""


def tap_in(frame: FrameType | None) -> Tap | None:
    """Return the tap that a stack is in, as far as a tick calls it.

    Args:
        frame: The innermost frame of a thread.
    """
    while frame is not None:
        if id(frame.f_code) in _codes:
            tap: Tap = frame.f_locals["tap"]
            return tap
        frame = frame.f_back
    return None


class Taps:
    """The taps of one process, from their making to their closing.

    Args:
        taps: Which; their ports are addresses.
    """

    def __init__(self, taps: Iterable[Tap]) -> None:
        self._taps = list(taps)
        #: The tap that is being made, or is settling or closing outside of ticks.
        self.calling: Tap | None = None
        self._made: list[tuple[Tap, Any]] = []

    def make(self) -> dict[str, list[Callable[[int, Any], None]]]:
        """Make the objects, and return by port what is called.

        Raises:
            Failed: The class of one raised.
            LoadError: The class of one cannot be found.
        """
        found: dict[str, list[Callable[[int, Any], None]]] = {}
        for tap in self._taps:
            self.calling = tap
            try:
                made = tap.make()
            except LkError:
                raise
            except BaseException as error:
                if came_by_signal(error):
                    raise
                failure = _failure(tap, "was made, and raised", error, "on_configure")
                raise Failed(failure) from error
            finally:
                self.calling = None
            self._made.append((tap, made))
            found.setdefault(str(tap.port), []).append(_guarded(tap, made))
        return found

    def seen(
        self,
        forwards: Mapping[str, Callable[..., Any]],
        inputs: Mapping[str, Sequence[str]],
    ) -> dict[str, Callable[..., Any]]:
        """Return what fires each component: before that, what was made sees its inputs.

        Args:
            forwards: What fires, by component.
            inputs: The names of its inputs, in the order of its arguments.
        """
        found = dict(forwards)
        for tap, made in self._made:
            name = component_of(str(tap.port))
            see = getattr(made, "taken", None)
            if see is not None and name in found:
                found[name] = _seeing(tap, see, found[name], inputs[name])
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
        return self._call_each("settled, and raised", self._settles())

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
        made, self._made = self._made, []
        closes = [(tap, item.close) for tap, item in made if hasattr(item, "close")]
        return self._call_each("was closed, and raised", closes)

    def _call_each(
        self, what: str, calls: Iterable[tuple[Tap, Callable[[], object]]]
    ) -> Failure | None:
        """Call all of them, whatever they raise, and return the first failure."""
        first = leaving = None
        for tap, call in calls:
            self.calling = tap
            try:
                call()
            except BaseException as error:  # noqa: BLE001 - all of them get their turn
                if came_by_signal(error):
                    leaving = leaving or error
                else:
                    first = first or _failure(tap, what, error)
            finally:
                self.calling = None
        if leaving is not None:
            raise leaving
        return first


def _guarded(
    tap: Tap, call: Callable[[int, Any], object]
) -> Callable[[int, Any], None]:
    """Return what calls an object, and names its tap where that fails."""

    def guarded(tick: int, value: Any) -> None:
        try:
            call(tick, value)
        except BaseException as error:
            if came_by_signal(error):
                raise
            raise tap.failed("raised", error) from error

    _codes.add(id(guarded.__code__))
    return guarded


def _seeing(
    tap: Tap,
    see: Callable[[Mapping[str, Any]], object],
    forward: Callable[..., Any],
    names: Sequence[str],
) -> Callable[..., Any]:
    """Return what fires a component once an object has seen what it is fired with."""

    def fire(*args: Any, **kwargs: Any) -> Any:
        _see(tap, see, {**dict(zip(names, args, strict=False)), **kwargs})
        return forward(*args, **kwargs)

    return fire


def _see(
    tap: Tap, see: Callable[[Mapping[str, Any]], object], inputs: Mapping[str, Any]
) -> None:
    try:
        see(inputs)
    except BaseException as error:
        if came_by_signal(error):
            raise
        raise tap.failed("saw the inputs, and raised", error) from error


_codes.add(id(_see.__code__))


def _after(
    settles: Sequence[tuple[Tap, Callable[[], object]]], forward: Callable[..., Any]
) -> Callable[..., Any]:
    """Return what fires a component once all has settled."""

    def fire(*args: Any, **kwargs: Any) -> Any:
        for tap, settle in settles:
            _settle(tap, settle)
        return forward(*args, **kwargs)

    return fire


def _settle(tap: Tap, settle: Callable[[], object]) -> None:
    try:
        settle()
    except BaseException as error:
        if came_by_signal(error):
            raise
        raise tap.failed("settled, and raised", error) from error


_codes.add(id(_settle.__code__))


def _failure(
    tap: Tap, what: str, error: BaseException, phase: str = "on_shutdown"
) -> Failure:
    """Return what a tap did wrong, in a phase of its component's life."""
    failed = tap.failed(what, error)
    failed.__cause__ = error
    return Failure(component_of(str(tap.port)), phase, None, failed)
