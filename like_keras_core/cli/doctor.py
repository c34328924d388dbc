"""`lk doctor`: whether installation and machine are sound, line by line."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from tempfile import TemporaryDirectory

import click

from like_keras_core.cli.engine_check.finding import Check
from like_keras_core.cli.output import write, write_json, write_table
from like_keras_core.plugins.discovery import (
    ENGINES_DISABLE,
    PLUGINS_DISABLE,
    PluginEntry,
    find_commands,
    find_engines,
    find_plugins,
)
from like_keras_core.plugins.metadata import (
    CORE,
    UNKNOWN_VERSION,
    core_version,
    normalise,
)
from like_keras_core.suggestions import KNOWN_ENGINES

_HARMLESS = ("disabled", "shadowed")


@click.command("doctor")
@click.option(
    "--load/--no-load",
    default=True,
    show_default=True,
    help="Import every engine and plug-in, and what they need, in other processes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor_command(context: click.Context, load: bool, as_json: bool) -> None:
    """Check the installation and the machine. Exit with 1 if something is broken.

    Nothing of others is imported into this process.
    """
    from like_keras_core.cli.diagnosis.machine import machine_checks

    checks = [*_check_core(), *_check_installed(load), *machine_checks()]
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


def _check_installed(load: bool) -> Iterator[Check]:
    """Yield what there is to say of engines, plug-ins, commands, and what they need."""
    engines, plugins, commands = find_engines(), find_plugins(), find_commands()
    if not any(record.status == "ok" for record in engines):
        text = f"None can be used. Begin with: pip install {KNOWN_ENGINES['native']}"
        is_missing = all(record.status == "missing-module" for record in engines)
        yield Check("FAIL" if is_missing else "WARN", "engines", text)
    used = [x for x in (*engines, *plugins, *commands) if x.status not in _HARMLESS]
    names = dict.fromkeys([CORE, *(normalise(item.distribution) for item in used)])
    with TemporaryDirectory(prefix="lk-doctor-") as folder:
        yield from _check_requirements(list(names), folder, load=load)
        for what, records, use in (
            ("engine", engines, _use_engine),
            ("plug-in", plugins, _use_plugin),
            ("command", commands, _use_command),
        ):
            for record in records:
                asked = partial(use, folder=folder) if load else None
                yield _check(f"{what} {record.name}", record, asked)


def _check_requirements(
    names: Sequence[str], folder: str, *, load: bool
) -> Iterator[Check]:
    """Yield what is missing of what distributions need, and what cannot be imported."""
    from like_keras_core.cli.diagnosis.imports import (
        broken_modules,
        missing_files,
        modules_of,
    )
    from like_keras_core.cli.diagnosis.requirements import requirements_of, unmet

    modules: dict[str, str] = {}
    for name in names:
        problems = list(unmet(name))
        missing = {problem.name for problem in problems}
        needed = [normalise(item.name) for item in requirements_of(name)]
        for problem in problems:
            yield Check("FAIL", f"{name}: {problem.name}", problem.text)
        if not problems and needed:
            text = f"installed, in versions that fit: {', '.join(needed)}"
            yield Check("PASS", f"{name}: requirements", text)
        for item in dict.fromkeys(needed):
            for file in missing_files(item):
                cure = f"pip install --force-reinstall {item}"
                text = f"{item}: its command {file!r} is not there. {cure}"
                yield Check("FAIL", f"{name}: {file}", text)
            if item not in missing and item not in names:
                modules |= dict.fromkeys(modules_of(item), item)
    broken = broken_modules(list(modules), folder) if load and modules else {}
    for module, why in broken.items():
        item = modules[module]
        cure = f"pip install --force-reinstall {item}"
        yield Check("FAIL", f"import {module}", f"{item}: {why}. {cure}")
    if load and modules and not broken:
        yield Check("PASS", "imports", f"{', '.join(modules)} can be imported")


def _check(
    subject: str,
    record: PluginEntry,
    use: Callable[[PluginEntry], str] | None,
) -> Check:
    """Judge an engine or plug-in by its record, and by using it if asked to.

    Args:
        subject: What it is.
        record: What its metadata says.
        use: Imports it, and returns what is wrong; None where that is not asked for.
    """
    if record.status in _HARMLESS:
        text = f"{record.origin}: {record.status}: {record.reason}"
        return Check("WARN", subject, text)
    if record.status != "ok":
        text = f"{record.origin}: {record.status}: {record.reason}"
        return Check("FAIL", subject, text)
    if use is None:
        return Check("PASS", subject, f"{record.origin}, not imported")
    if problem := use(record):
        return Check("FAIL", subject, f"{record.origin}: {problem}")
    return Check("PASS", subject, record.origin)


def _use_engine(record: PluginEntry, folder: str) -> str:
    """Import an engine in a process of its own, which may end or hang."""
    from like_keras_core.cli.engine_check.examination import examined

    for check in examined(record.name, normalise(record.distribution)):
        if check.outcome == "FAIL" and check.subject in ("import", "methods"):
            return check.text
    return ""


def _use_plugin(record: PluginEntry, folder: str) -> str:
    return _used("plug-in", record, folder)


def _use_command(record: PluginEntry, folder: str) -> str:
    return _used("command", record, folder)


def _used(what: str, record: PluginEntry, folder: str) -> str:
    from like_keras_core.cli.diagnosis.use_probe import problem_of

    return problem_of(what, record.name, folder)
