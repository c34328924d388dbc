"""Existing dora nodes as components: `DoraNode`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from like_keras_core.component import Component
from like_keras_core.engine_kit import ArrivalReader, address_of
from like_keras_core.errors import EngineError
from like_keras_core.node import Node
from lk_engine_dora.external_nodes import Foreign, Scalar

if TYPE_CHECKING:
    from lk_engine_dora.bridge import Bridge

TICKS = "count"


class DoraNode(Component):
    """Stands for a dora node that is not a like_keras component.

    It is a dora node of its own, wired like any component. Only the dora engine can
    run it, which starts a process of ours beside it, `NAME.host`, that speaks for it
    with the other components.

    What it is given are Arrow arrays: an Arrow array as it is; a numpy array flat,
    with `dtype` and `shape` in the metadata; bytes as uint8; a number or a string as
    an array of one. None is not sent.

    What it gives are Arrow arrays too. If an input that reads them is annotated as
    `numpy.ndarray`, they are views of that kind, which show the same memory, in the
    shape that the metadata says; booleans are copied. Annotated as
    `pyarrow.Array`, as something else or not at all, they are the Arrow arrays.
    Everything else in its metadata is left out.

    At each tick at which it fires it is first given its inputs; then one message is
    awaited of each connected output. So a node with both must answer every time: for
    one that answers some inputs only, the run waits for ever, and `timeout_s` or a
    stop ends it. What it sends early waits in the memory of the process beside it.

    With `read=` its outputs have clocks of their own. At each tick at which it fires it
    is given its inputs, and each output gives what has come; nothing is awaited. That
    needs a rate.

    When it exits with 0 after n messages, it ends the run at tick n, unless it has no
    connected output; after another exit code its component fails there. At the end of
    the run its inputs are closed, so that it may do what is left before it exits.

    Its connections are as dora makes them: what it sends and is sent may be lost or
    overtaken, which nothing here finds out. All other connections of a system lose
    nothing.

    Args:
        name: Its name in the system, and its id in the dataflow.
        path: What dora starts: an executable, or a Python file.
        args: Its arguments: a list, or one string as a shell would read it.
        env: Its environment, beside the one that dora has. Values arrive as they are
            written here.
        inputs: The names of its inputs.
        outputs: The names of its outputs.
        machine: Where it runs, as of a `Node`.
        build: A command that makes it, for `dora build`.
        ticks: `"count"` says that its n-th message on each output is the value of
            the n-th tick at which it fires: of tick n, if all of its inputs have a
            value at every tick. This or `read` is needed where an output is
            connected.
        read: What a tick gives of each output: `"newest"`, the newest message since the
            last tick; `"each"`, one message, in order; `"all"`, a list of all since the
            last tick. Where none has come, the first two give nothing, and the third an
            empty list.
        max_age_s: A message that came longer ago than this is not given [s].
        stale_after_s: After how long without a message it counts as silent [s]; adds
            the output `fresh`: at each tick, whether each connected output has had one
            within that time.
        backlog: How many messages of an output wait at most with `"each"` and `"all"`,
            before the oldest are left out; 256 when omitted.
        arrival: Adds the output `arrival`: a dict that has for each output which gives
            something a dict with `age_s`, how long before the tick that came [s], and
            `received_ns`, when; with `"all"` a list of these.

    Raises:
        TypeError: An argument is of another type.
        ValueError: A name is given twice, or an argument is none of those that can be
            chosen.
    """

    needs = ("foreign-nodes",)
    _bridge: Bridge | None = None

    def __init__(
        self,
        name: str,
        path: str,
        args: Sequence[str] | str | None = None,
        env: Mapping[str, Scalar] | None = None,
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = (),
        machine: str = "local",
        build: str | None = None,
        ticks: str | None = None,
        *,
        read: str | None = None,
        max_age_s: float | None = None,
        stale_after_s: float | None = None,
        backlog: int | None = None,
        arrival: bool = False,
    ) -> None:
        super().__init__(name, node=Node(name, machine=machine, engine="dora"))
        for what, value in (("path", path), ("args", args), ("env", env)):
            _check(name, what, value)
        for what, value in (("inputs", inputs), ("outputs", outputs)):
            _check(name, what, value)
        _check(name, "build", build)
        if ticks not in (None, TICKS):
            raise ValueError(
                f"The ticks of DoraNode {name!r} are {TICKS!r}, which says that its "
                f"n-th message is tick n, or None; got {ticks!r}."
            )
        ArrivalReader.check(
            f"DoraNode {name!r}",
            ticks=ticks,
            read=read,
            max_age_s=max_age_s,
            stale_after_s=stale_after_s,
            backlog=backlog,
            arrival=arrival,
        )
        from lk_engine_dora.arrow_values import register_arrays

        register_arrays()
        added = Foreign(name, path, arrival=arrival, stale_after_s=stale_after_s).added
        self.declare_ports(inputs=inputs, outputs=[*outputs, *sorted(added)])

    def __init_subclass__(cls, **kwargs: Any) -> None:
        raise TypeError(
            f"{cls.__qualname__} cannot be a subclass of DoraNode: what a DoraNode is "
            "stands in its arguments. Write a function that returns one."
        )

    def on_configure(self) -> None:
        """Find the way to the dora node."""
        from lk_engine_dora.bridge import bridge_of

        self._bridge = bridge_of(address_of(self))
        if self._bridge is not None:
            ArrivalReader.report_for(self, self._bridge.readers)

    def forward(self, **inputs: Any) -> Any:
        """Give the dora node what came, and return what it gives.

        Raises:
            EngineError: This is not the process beside it; or it has failed.
            EndOfStream: It has ended.
            TypeError: A value is none that it can be given, or that can be shown.
        """
        if self._bridge is None:
            raise EngineError(
                f"{self.name!r} stands for a dora node, which only the dora engine can "
                "run: launch(engine='dora'). Elsewhere put a component in its place."
            )
        return self._bridge.step(inputs)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_command(value: object) -> bool:
    return value is None or _is_text(value)


def _is_names(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(map(_is_text, value))


def _is_args(value: object) -> bool:
    return value is None or isinstance(value, str) or _is_names(value)


def _is_env(value: object) -> bool:
    return value is None or (
        isinstance(value, dict)
        and all(map(_is_text, value))
        and all(isinstance(item, Scalar) for item in value.values())
    )


_EXPECTED: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "path": (_is_text, "a string such as 'dora-echo'"),
    "args": (_is_args, "a string, or a list of strings"),
    "env": (_is_env, "a dict of strings, numbers and booleans"),
    "inputs": (_is_names, "a list of names"),
    "outputs": (_is_names, "a list of names"),
    "build": (_is_command, "a command as a string"),
}


def _check(name: str, what: str, value: object) -> None:
    fits, expected = _EXPECTED[what]
    if not fits(value):
        raise TypeError(
            f"The {what} of DoraNode {name!r} must be {expected}; got {value!r:.80}."
        )
