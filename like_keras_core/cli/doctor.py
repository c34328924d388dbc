"""`lk doctor`: whether the installation is sound, line by line."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator

import click

from like_keras_core.cli.engine_check.finding import Check
from like_keras_core.cli.output import write, write_json, write_table
from like_keras_core.errors import LkError
from like_keras_core.plugins.discovery import (
    ENGINES_DISABLE,
    PLUGINS_DISABLE,
    PluginEntry,
    find_engines,
    find_plugins,
)
from like_keras_core.plugins.metadata import UNKNOWN_VERSION, core_version, normalise
from like_keras_core.suggestions import KNOWN_ENGINES

_HARMLESS = ("disabled", "shadowed")


@click.command("doctor")
@click.option("--load", is_flag=True, help="Import every engine and plug-in, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor_command(context: click.Context, load: bool, as_json: bool) -> None:
    """Check the installation. Exit with 1 if something is broken.

    Nothing is imported unless --load is given.
    """
    checks = [*_check_core(), *_check_engines(load), *_check_plugins(load)]
    has_failed = any(check.outcome == "FAIL" for check in checks)
    if as_json:
        rows = [check._asdict() for check in checks]
        write_json({"schema": 1, "ok": not has_failed, "checks": rows})
    else:
        write_table(("result", "subject", "about"), checks)
        if has_failed:
            write("\nSomething is broken; see the lines with FAIL.")
    context.exit(1 if has_failed else 0)


def _check_core() -> Iterator[Check]:
    version = core_version()
    if version == UNKNOWN_VERSION:
        text = "not installed; it runs from a folder: pip install -e ."
        yield Check("WARN", "like-keras-core", text)
    else:
        yield Check("PASS", "like-keras-core", version)
    yield Check("PASS", "Python", f"{platform.python_version()} ({sys.executable})")
    for variable in (ENGINES_DISABLE, PLUGINS_DISABLE):
        if os.environ.get(variable):
            yield Check("WARN", variable, f"is set to {os.environ[variable]!r}")


def _check_engines(load: bool) -> Iterator[Check]:
    records = find_engines()
    if not any(record.status == "ok" for record in records):
        text = f"None can be used. Begin with: pip install {KNOWN_ENGINES['native']}"
        yield Check("WARN", "engines", text)
    for record in records:
        yield _check(f"engine {record.name}", record, _use_engine, load)


def _check_plugins(load: bool) -> Iterator[Check]:
    for record in find_plugins():
        yield _check(f"plug-in {record.name}", record, _use_plugin, load)


def _check(
    subject: str,
    record: PluginEntry,
    use: Callable[[PluginEntry], object],
    load: bool,
) -> Check:
    """Judge an engine or plug-in by its record, and by using it if asked to."""
    if record.status in _HARMLESS:
        text = f"{record.origin}: {record.status}: {record.reason}"
        return Check("WARN", subject, text)
    if record.status != "ok":
        text = f"{record.origin}: {record.status}: {record.reason}"
        return Check("FAIL", subject, text)
    if load:
        try:
            use(record)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code
            text = str(error) if isinstance(error, LkError) else repr(error)
            return Check("FAIL", subject, f"{record.origin}: {text}")
    return Check("PASS", subject, record.origin)


def _use_engine(record: PluginEntry) -> None:
    """Import an engine in a process of its own, which may end or hang."""
    from like_keras_core.cli.engine_check.examination import examined

    for check in examined(record.name, normalise(record.distribution)):
        if check.outcome == "FAIL" and check.subject in ("import", "methods"):
            raise LkError(check.text)


def _use_plugin(record: PluginEntry) -> object:
    from like_keras_core.plugins.session import load_plugin

    return load_plugin(record)
