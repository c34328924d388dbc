"""Engines by name: registered here, or installed; only the chosen one is imported."""

from __future__ import annotations

from like_keras_core.engine import Engine
from like_keras_core.errors import (
    EngineBrokenError,
    EngineContractError,
    EngineNotFoundError,
)
from like_keras_core.plugins.clashing_files import clash_hint
from like_keras_core.plugins.compatibility import (
    depth_in_common,
    is_name,
    split_entry_point,
)
from like_keras_core.plugins.discovery import EngineEntry, find_engines, load
from like_keras_core.plugins.session import Session
from like_keras_core.suggestions import module_advice

_registered: dict[str, type[Engine]] = {}


def register_engine(name: str, engine_class: type[Engine]) -> None:
    """Make an engine known in this process; it wins over an installed one.

    A second registration of a name replaces the first, so that a notebook cell can be
    run again.

    Args:
        name: The name that users choose it by.
        engine_class: A subclass of `Engine`, made without arguments.

    Raises:
        EngineContractError: The name or the class is unusable.
    """
    who = f"register_engine({name!r}, {engine_class!r})"
    if not is_name(name):
        text = "a name is made of letters, digits, '-', '_' and '.'."
        raise EngineContractError(who, text)
    _check_class(who, engine_class)
    _registered[name] = engine_class


def list_engines() -> list[str]:
    """Return the names of the usable engines, sorted; nothing is imported."""
    installed = {record.name for record in find_engines() if record.status == "ok"}
    return sorted(installed.union(_registered))


def get_engine(name: str) -> Engine:
    """Return a new instance of an engine; of all plug-ins only this one is imported.

    Raises:
        TypeError: It is not a name.
        EngineNotFoundError: No engine has this name.
        EngineBrokenError: It is installed, but it is disabled, does not fit this core,
            or cannot be imported; the text says why.
        EngineContractError: What is installed under this name is not an engine.
    """
    if not isinstance(name, str):
        raise TypeError(_no_name(name))
    if name in _registered:
        return _make(name, _registered[name], f"Engine {name!r} (registered here)")
    records = find_engines()
    for record in records:
        if record.name == name:
            return _load(record)
    names = {record.name for record in records}.union(_registered)
    raise EngineNotFoundError(name, names)


def open_session(engine: str | Engine) -> Session:
    """Return an engine, or the one of that name, with the always-on plug-ins around it.

    Raises:
        EngineError: As `get_engine`; also where a method has a wrong signature.
    """
    return Session(get_engine(engine) if isinstance(engine, str) else engine)


def _no_name(found: object) -> str:
    """Say what to write where something else than an engine's name was given."""
    cure = "`lk engines list` shows those that are installed."
    if isinstance(found, type) and issubclass(found, Engine):
        cure = (
            "Give the class a name first: "
            f"register_engine({found.__name__.lower()!r}, {found.__name__})."
        )
    return f"engine is a name, such as 'native'; got {found!r:.80}. {cure}"


def _load(record: EngineEntry) -> Engine:
    """Import and make what a record names."""
    who = f"Engine {record.name!r} ({record.origin})"
    if record.status != "ok":
        raise _broken(record, record.status, record.reason)
    try:
        found = load(record)
    except (Exception, SystemExit) as error:
        raise _broken(record, "broken", _import_reason(record, error)) from error
    try:
        return _make(record.name, found, who)
    except EngineContractError:
        raise
    except Exception as error:
        reason = f"making a {record.entry_point} raised {error!r}."
        raise _broken(record, "broken", reason) from error


def _make(name: str, engine_class: object, who: str) -> Engine:
    engine = _check_class(who, engine_class)()
    engine.name = name
    return engine


def _check_class(who: str, engine_class: object) -> type[Engine]:
    """Return an engine's class if it is one and can be made."""
    if not (isinstance(engine_class, type) and issubclass(engine_class, Engine)):
        text = f"expected a subclass of like_keras_core.Engine, got {engine_class!r}."
        raise EngineContractError(who, text)
    missing = sorted(engine_class.__abstractmethods__)
    if missing:
        text = f"{engine_class.__qualname__} does not define {', '.join(missing)}."
        raise EngineContractError(who, text)
    return engine_class


def _broken(record: EngineEntry, status: str, reason: str) -> EngineBrokenError:
    return EngineBrokenError(
        record.name, record.distribution, status, reason, record.version
    )


def _import_reason(record: EngineEntry, error: BaseException) -> str:
    """Say what went wrong in an import, and what to do about it."""
    text = f"importing {record.entry_point!r} raised {error!r}."
    module = split_entry_point(record.entry_point)[0]
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and depth_in_common(module, missing):
        text += f" {record.origin} does not contain it."
    elif missing:
        advice = module_advice(missing, record.distribution)
        return f"{text} {clash_hint() or advice}"
    if hint := clash_hint():
        return f"{text} {hint}"
    return (
        f"{text} Update or repair {record.distribution}, or remove it: "
        f"pip uninstall {record.distribution}"
    )
