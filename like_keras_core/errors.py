"""Every exception that like_keras raises on purpose.

```text
LkError
├── GraphError (ValueError)            the system is wrong; carries every issue
├── ParameterError (ValueError)        something cannot be set of a component
├── SpecError (ValueError)             a saved system cannot be read
│   └── SpecVersionError               … because a newer like_keras wrote it
├── CodecError (ValueError)            a message cannot be read
├── FrameError (ValueError)            what a transport brought is not part of a message
├── NotSerializableError (TypeError)   a value has no form that outlives the process
├── LoadError (ImportError)            code that a spec names cannot be had
│   └── NotAllowedError                … or may not be: an allow-list excludes it
├── EngineError (RuntimeError)         an engine cannot do what was asked
│   ├── EngineNotFoundError (ValueError)   no plug-in of that name
│   ├── EngineBrokenError                  installed, but it cannot be used
│   ├── EngineContractError                it broke the rules of the hooks
│   ├── EngineOptionError (TypeError)      it does not know an option
│   ├── MixedEnginesError (ValueError)     nodes name several engines
│   ├── HostLostError                      a node's process is gone
│   ├── VersionMismatchError               nodes have different versions or systems
│   └── CapabilityError                    it declares that it cannot do this
├── PluginError (RuntimeError)         a plug-in beside the engine failed; it is named
├── ComponentError (RuntimeError)      user code raised, with where and when
├── ValueMutationError (RuntimeError)  a component changed a value it had no right to
├── OutputError (TypeError)            `forward` returned what its ports do not fit
└── LaunchTimeoutError (TimeoutError)  `timeout_s` passed; carries the report
LkWarning (UserWarning)                every warning
EndOfStream (Exception)                raised by components to end the run
```
"""

from __future__ import annotations

import copyreg

from like_keras_core.suggestions import engine_advice, one_or_listed, option_advice
from like_keras_core.suggestions import nearest as nearest

# `lk engines list` imports this module: it costs no import that could wait.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from like_keras_core.issue import Issue
    from like_keras_core.report import RunReport


class LkError(Exception):
    """Everything that like_keras raises on purpose derives from this."""

    def __reduce__(self) -> tuple[object, ...]:
        # Exception would call the class with the text, which is not what most take.
        state = {**vars(self), "args": self.args}
        return (copyreg.__newobj__, (type(self),), state)  # type: ignore[attr-defined]


class LkWarning(UserWarning):
    """Something that works, but probably not as the author expects."""


class EndOfStream(Exception):
    """Raised by a component: the run ends before the tick at which it is raised."""


class GraphError(LkError, ValueError):
    """A system has errors; all of them are in `issues`."""

    def __init__(self, issues: Sequence[Issue], system: str = "") -> None:
        self.issues = tuple(issues)
        self.system = system
        where = f"System {system!r}" if system else "The system"
        several = f"{where} has {len(self.issues)} errors:"
        super().__init__(one_or_listed("", several, self.issues))


class ParameterError(LkError, ValueError):
    """Something cannot be set of components; nothing ran. `problems` has all of it."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        several = f"{len(self.problems)} parameters cannot be set:"
        super().__init__(one_or_listed("", several, self.problems))


class SpecError(LkError, ValueError):
    """Data that should be a saved system is not one."""


class SpecVersionError(SpecError):
    """A saved system was written by a newer like_keras."""

    def __init__(self, found: object, known: int) -> None:
        self.found, self.known = found, known
        super().__init__(
            f"This system was saved with spec version {found!r}; this like_keras_core "
            f"reads versions up to {known}. Upgrade it: "
            "pip install --upgrade like-keras-core"
        )


class CodecError(LkError, ValueError):
    """Data that should be a message is not one that can be read here."""


class FrameError(LkError, ValueError):
    """What a transport brought is not a frame that its channel can have sent."""

    def __init__(self, problem: str, expected: object, found: object) -> None:
        self.problem, self.expected, self.found = problem, expected, found
        super().__init__(
            f"A frame was refused: {problem}; expected {expected}, received "
            f"{found!r:.80}. Both ends of a channel must run the same version of "
            "like_keras_core, with the same channel and window."
        )


class NotSerializableError(LkError, TypeError):
    """A value has no form that another process could rebuild it from."""


class LoadError(LkError, ImportError):
    """The code that a spec names cannot be had here."""


class NotAllowedError(LoadError):
    """The code that a spec names is not on the allow-list."""

    def __init__(self, entry_point: str, allowed: Iterable[str]) -> None:
        self.entry_point, self.allowed = entry_point, tuple(allowed)
        listed = ", ".join(self.allowed) or "nothing"
        module = entry_point.partition(":")[0]
        super().__init__(
            f"Entry point {entry_point!r} is not allowed; allowed: {listed}. "
            f"If you trust it, add --allow {module} (or allow=[{module!r}])."
        )


class EngineError(LkError, RuntimeError):
    """An engine cannot do what was asked."""


class EngineNotFoundError(EngineError, ValueError):
    """No installed plug-in provides an engine of that name."""

    def __init__(self, name: str, installed: Iterable[str]) -> None:
        self.name, self.installed = name, tuple(sorted(installed))
        listed = ", ".join(self.installed) or "none"
        cure = engine_advice(name, self.installed)
        super().__init__(f"No engine named {name!r}. Installed: {listed}. {cure}")


class EngineBrokenError(EngineError):
    """An engine is installed, but it cannot be used."""

    def __init__(
        self, name: str, distribution: str, status: str, reason: str, version: str = ""
    ) -> None:
        self.name, self.distribution, self.version = name, distribution, version
        self.status, self.reason = status, reason
        origin = f"{distribution} {version}".strip() or "unknown distribution"
        said = f"cannot be used: {status}: {reason}"
        super().__init__(f"Engine {name!r} ({origin}) {said}")


class EngineContractError(EngineError):
    """An engine broke the rules of the hooks.

    Args:
        who: The engine, with its distribution.
        problems: What was found and what is expected, a sentence each.
    """

    def __init__(self, who: str, *problems: str) -> None:
        self.who, self.problems = who, problems
        text = f"{who} breaks the rules of the hooks: "
        super().__init__(one_or_listed(text, text, problems))

    @classmethod
    def wrong_answer(
        cls, who: str, hook: str, expected: str, found: object, cure: str = ""
    ) -> EngineContractError:
        """Return the error for a hook that gave something else than it must.

        Args:
            who: The engine or plug-in.
            hook: The hook that it implements.
            expected: What it must return.
            found: What it returned.
            cure: What to do, as a sentence.
        """
        text = f"{hook} must return {expected}; it returned {found!r:.200}. {cure}"
        return cls(who, text.rstrip())


class PluginError(LkError, RuntimeError):
    """A plug-in beside the engine failed, or broke the rules of the hooks.

    Where it raised something, that is the `__cause__`.

    Attributes:
        plugin: The plug-in's name.
        origin: The distribution that it came with, and its version.
        hook: The hook that it answered or wrapped.
        problem: What it did, and how to go on without it.
        report: What the run did, where it was over by then; else None.
    """

    def __init__(
        self,
        plugin: str,
        origin: str,
        hook: str,
        problem: str,
        report: RunReport | None = None,
    ) -> None:
        self.plugin, self.origin, self.hook = plugin, origin, hook
        self.problem, self.report = problem, report
        text = f"Plug-in {plugin!r} ({origin}) failed in {hook}: {problem}"
        if report is not None:
            text += f"\nThe run was over by then, with {report.iterations} ticks done; "
            text += "its report is this error's `report`."
        super().__init__(text)


class EngineOptionError(EngineError, TypeError):
    """An engine does not know an option that it was given."""

    def __init__(
        self, engine: str, unknown: Iterable[str], known: Iterable[str], where: str = ""
    ) -> None:
        self.engine = engine
        self.unknown, self.known = tuple(unknown), tuple(sorted(known))
        names = ", ".join(repr(name) for name in self.unknown)
        on = f" on {where}" if where else ""
        who = f"Engine {engine!r}" if engine else "launch"
        listed = ", ".join(self.known) or "none"
        text = f"{who} does not know the option {names}{on}. It knows: {listed}. "
        super().__init__(f"{text}{option_advice(self.unknown, self.known)}".rstrip())


class MixedEnginesError(EngineError, ValueError):
    """The nodes of one system name different engines."""

    def __init__(self, engines: Mapping[str, Sequence[str]]) -> None:
        self.engines = {name: tuple(nodes) for name, nodes in engines.items()}
        listed = "; ".join(
            f"{engine!r} on {', '.join(map(repr, nodes))}"
            for engine, nodes in self.engines.items()
        )
        super().__init__(
            f"The nodes of this system name different engines: {listed}. "
            "A system runs on one engine. Give the nodes the same engine, or choose "
            f"one for all of them: launch(engine={next(iter(self.engines))!r})."
        )


class CapabilityError(EngineError):
    """An engine was asked for something that it declares it cannot do.

    Attributes:
        engine: The engine.
        capability: What it lacks.
        what: What that is needed for.
        text: The engine's own words, where it has some.
    """

    def __init__(self, engine: str, capability: str, what: str, text: str = "") -> None:
        self.engine, self.capability, self.what = engine, capability, what
        self.text = text
        super().__init__(
            text
            or f"Engine {engine!r} does not have the capability {capability!r}, "
            f"which is needed for {what}. "
            f"`lk engines info {engine}` lists what it can do."
        )


class HostLostError(EngineError):
    """The process of a node ended, or was silent, before the run was over.

    Attributes:
        node: The node.
        how: What was seen of its end.
        machine: Where it ran.
        tick: The tick that it had not finished; None before the run began.
        log: The last lines that it logged.
        waited_for: What it ran or waited for when it had stood still: a sentence each.
        later: What else went wrong, or is not known, on the way down.
        report: What the run had done so far; None before it began.
    """

    def __init__(
        self,
        node: str,
        how: str,
        machine: str = "local",
        tick: int | None = None,
        log: Sequence[str] = (),
        waited_for: Sequence[str] = (),
    ) -> None:
        self.node, self.how, self.machine = node, how, machine
        self.tick, self.log = tick, tuple(log)
        self.waited_for = tuple(waited_for)
        self.report: RunReport | None = None
        self.later: Sequence[str] = ()
        where = "" if machine == "local" else f" on machine {machine!r}"
        text = f"The process of node {node!r}{where} was lost: {how}."
        if tick:
            text += f" The last tick that it reported finished was {tick - 1}."
        if self.waited_for:
            text += "\nBefore that it said: " + " ".join(self.waited_for)
        if self.log:
            text += "\nThe end of its log:\n" + "\n".join(f"  {x}" for x in self.log)
        super().__init__(text)

    def __str__(self) -> str:
        return "\nAfterwards ".join((self.args[0], *self.later))


class VersionMismatchError(EngineError):
    """Processes of a run have another like_keras, or system; `differences` by node."""

    def __init__(self, differences: Mapping[str, str]) -> None:
        self.differences = dict(differences)
        listed = "; ".join(f"{node}: {text}" for node, text in differences.items())
        super().__init__(
            f"The nodes cannot run together. {listed}. Install the same versions "
            "everywhere, and compile and copy the system again."
        )


class ComponentError(LkError, RuntimeError):
    """A component's code raised; the original exception is the `__cause__`.

    Attributes:
        component: Its address in the system.
        node: The node it ran on.
        phase: `"__init__"`, `"forward"`, a hook such as `"on_configure"`, or `"tap"`.
        tick: The tick it failed at; None outside `forward`.
        place: The file and line that raised, as `"camera.py:12"`; empty if unknown.
        later: What else failed after it, on the way down.
        traceback: The component's own traceback, as text.
        machine: Where the node ran.
        report: What the run had done so far; None before it began.
    """

    def __init__(
        self,
        component: str,
        node: str,
        phase: str,
        tick: int | None,
        error: str,
        traceback: str = "",
        report: RunReport | None = None,
        place: str = "",
        later: Sequence[str] = (),
        machine: str = "local",
    ) -> None:
        self.component, self.node, self.phase = component, node, phase
        self.machine, self.later = machine, tuple(later)
        self.tick, self.error, self.place = tick, error, place
        self.traceback, self.report = traceback, report
        when = "" if tick is None else f" at tick {tick}"
        far = "" if machine == "local" else f" of machine {machine!r}"
        what = f"Component {component!r} on node {node!r}{far} failed in {phase}{when}"
        if phase == "tap":
            what = f"A tap failed on node {node!r}{far}{when}"
        after = "".join(f"\nAfterwards {item}" for item in self.later)
        super().__init__(f"{what}: {error}{place and f' ({place})'}{after}")


class ValueMutationError(LkError, RuntimeError):
    """A component changed a value that it had received or already sent."""

    def __init__(self, component: str, port: str, sent_at: int | None = None) -> None:
        self.component, self.port, self.sent_at = component, port, sent_at
        when = "received or sent" if sent_at is None else f"sent at tick {sent_at}"
        cure = "change copy.deepcopy(value) or value.copy()"
        if sent_at is not None:
            cure = "return buffer.copy(), or copy.deepcopy of what it fills again"
        super().__init__(
            f"Component {component!r} changed the value of {port!r}, which it had "
            f"{when}. All share a message: {cure}."
        )


class OutputError(LkError, TypeError):
    """What `forward` returned does not fit the component's output ports."""


class LaunchTimeoutError(LkError, TimeoutError):
    """`timeout_s` passed before the run ended; the report says how far it came."""

    def __init__(self, timeout_s: float, report: RunReport) -> None:
        self.timeout_s, self.report = timeout_s, report
        what = f"The run was stopped after timeout_s={timeout_s:g}, "
        what += f"with {report.iterations} ticks done."
        super().__init__(" ".join((what, *report.waited_for)))
