"""Whose fault it is: what a plug-in raises or answers, said with its name.

pluggy hands back answers without saying whose they are, and lets what a wrapper raises
take the place of what the engine returned. So a guard sits around each function.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from like_keras_core.engine import Artefact, as_issue
from like_keras_core.errors import LkError, LkWarning, PluginError
from like_keras_core.issue import Issue
from like_keras_core.plugins.discovery import PLUGINS_DISABLE
from like_keras_core.report import RunReport
from like_keras_core.spec import ComponentSpec

if TYPE_CHECKING:
    from pluggy import HookImpl

    from like_keras_core.plugins.discovery import PluginEntry

_RESULTS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "validate": (list, "the lists of issues"),
    "compile": (Artefact, "the Artefact"),
    "launch": (RunReport, "the RunReport"),
    "serialize_component": ((ComponentSpec, type(None)), "the ComponentSpec or None"),
}
"""What comes out of the yield of a wrapper, and what to call it."""


def is_wrapper(impl: HookImpl) -> bool:
    """Say whether a function wraps what others answer."""
    return impl.wrapper or impl.hookwrapper


def guard(impl: HookImpl, hook: str, record: PluginEntry) -> None:
    """Have a plug-in's failures and wrong answers named.

    Args:
        impl: The plug-in's function, which is replaced.
        hook: The hook that it answers or wraps.
        record: The plug-in.
    """
    if not is_wrapper(impl):
        impl.function = _guarded_answer(impl, hook, record)  # type: ignore[misc]
    elif impl.wrapper:
        impl.function = _guarded_wrapper(impl, hook, record)  # type: ignore[misc]


def _guarded_answer(impl: HookImpl, hook: str, record: PluginEntry) -> Any:
    answer_of = impl.function

    def guarded(*arguments: object) -> object:
        try:
            answer = answer_of(*arguments)
        except Exception as error:
            if hook == "validate":
                text = str(_failure(record, hook, f"it raised {error!r}"))
                return [Issue(text, code="plugin-failed", plugin=record.name)]
            raise _failure(record, hook, f"it raised {error!r}") from error
        if hook == "validate":
            if answer is None:
                return None
            if isinstance(answer, list) and all(isinstance(x, str) for x in answer):
                return [as_issue(reason, record.name) for reason in answer]
            expected = "a list of issues"
        elif answer is None or isinstance(answer, ComponentSpec):
            return answer
        else:
            expected = "a ComponentSpec or None"
        problem = f"it must return {expected}; it returned {answer!r:.200}"
        raise _failure(record, hook, problem)

    return guarded


def _guarded_wrapper(impl: HookImpl, hook: str, record: PluginEntry) -> Any:
    wrapper_of = impl.function
    kind, called = _RESULTS[hook]

    def guarded(*arguments: object) -> Generator[None, Any, Any]:
        wrapper: Any = wrapper_of(*arguments)
        try:
            next(wrapper)
        except StopIteration:
            raise _failure(record, hook, "it returned before its yield") from None
        except LkError:
            raise  # A plug-in refuses on purpose, and says why itself.
        except Exception as error:
            problem = f"it raised {error!r} before its yield"
            raise _failure(record, hook, problem) from error
        try:
            outcome = yield
        except GeneratorExit:
            wrapper.close()
            raise
        except BaseException as error:  # noqa: BLE001 - Ctrl-C is the wrapper's too
            return _hand_over(wrapper, error, hook, record)
        report = outcome if isinstance(outcome, RunReport) else None
        try:
            wrapper.send(outcome)
        except StopIteration as end:
            if isinstance(end.value, kind) or not isinstance(outcome, kind):
                return end.value
            problem = (
                f"it must return {called} that came out of its yield; it returned "
                f"{end.value!r:.200}"
            )
            raise _failure(record, hook, problem, report) from None
        except Exception as error:
            if report is None and isinstance(error, LkError):
                raise
            problem = f"it raised {error!r} after its yield"
            raise _failure(record, hook, problem, report) from error
        wrapper.close()
        raise _failure(record, hook, "it has more than one yield", report)

    return guarded


def _hand_over(
    wrapper: Any, error: BaseException, hook: str, record: PluginEntry
) -> object:
    """Give a wrapper the error of what it wraps; a bug of its own does not hide that.

    Returns:
        What the wrapper returns in the error's place.
    """
    try:
        wrapper.throw(error)
        problem = "it has more than one yield"
        wrapper.close()
    except StopIteration as end:
        return end.value
    except LkError:
        raise
    except Exception as raised:
        if raised is error:
            raise
        problem = f"it raised {raised!r} after a failure"
    # Outside of the handler, so that nothing is added to the error.
    _warn_of(_failure(record, hook, problem))
    raise error


def _failure(
    record: PluginEntry, hook: str, problem: str, report: RunReport | None = None
) -> PluginError:
    cure = f"To go on without it, set {PLUGINS_DISABLE}={record.name}"
    return PluginError(record.name, record.origin, hook, f"{problem}. {cure}", report)


def _warn_of(failure: PluginError) -> None:
    import warnings

    warnings.warn(str(failure), LkWarning, stacklevel=2)
