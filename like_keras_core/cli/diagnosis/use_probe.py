"""`python -m`: loads one plug-in or command, and says what is wrong with it."""

from __future__ import annotations

import json
import sys

from like_keras_core.cli.engine_check.isolated_process import run_module
from like_keras_core.errors import LkError
from like_keras_core.plugins.discovery import find_commands, find_plugins

_MARK = "like_keras used: "
_PATIENCE_S = 60.0


def problem_of(what: str, name: str, folder: str) -> str:
    """Load something in a process of its own; return what is wrong, or nothing.

    Args:
        what: `"plug-in"` or `"command"`.
        name: Its name.
        folder: Where the process works: an empty folder.
    """
    code, lines = run_module(__name__, what, name, cwd=folder, timeout_s=_PATIENCE_S)
    answers = [line for line in lines if line.startswith(_MARK)]
    if answers:
        problem: str = json.loads(answers[-1].removeprefix(_MARK))
        return problem
    if code is None:
        return f"It was not imported within {_PATIENCE_S:g} s, and was ended."
    said = " ".join(lines[-1:])
    return f"The process that imported it ended with exit code {code}: {said:.200}"


def _problem(what: str, name: str) -> str:
    records = find_plugins() if what == "plug-in" else find_commands()
    record = next(x for x in records if x.name == name and x.status == "ok")
    try:
        if what == "plug-in":
            from like_keras_core.plugins.session import load_plugin

            load_plugin(record)
        else:
            from like_keras_core.cli.plugin_commands import load_command

            load_command(record)
    except LkError as error:
        return str(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code
        return repr(error)
    return ""


if __name__ == "__main__":
    found = _problem(*sys.argv[1:])
    print(f"\n{_MARK}{json.dumps(found)}", flush=True)
