"""Run a command where little is as usual: `python elsewhere.py COMMAND...`.

Ctrl-C and SIGHUP are ignored, as for what a shell starts with `&` or `nohup`; files are
for their owner alone; there is no HOME; and temporary files go elsewhere.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile


def main(command: list[str]) -> int:
    """Run the command, and return its exit code."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    folder = tempfile.mkdtemp(prefix="lk elsewhere ", dir="/var/tmp")
    env = {key: value for key, value in os.environ.items() if key != "HOME"}
    try:
        return subprocess.call(command, env={**env, "TMPDIR": folder}, umask=0o077)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
