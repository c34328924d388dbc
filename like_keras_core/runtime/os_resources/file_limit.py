"""How many file descriptors a process may have, said where there are too few."""

from __future__ import annotations

import resource


def file_limit_text() -> str:
    """Say how many file descriptors a process may have, and how that is changed."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        f"A process may have {limit} file descriptors here: raise the limit, as with "
        "`ulimit -n 4096` in the shell, or LimitNOFILE= of a systemd service."
    )
