"""`python -m like_keras_core` is `lk`."""

from __future__ import annotations

import sys

_is_safe = getattr(sys.flags, "safe_path", False)
if not _is_safe and any(word.partition("=")[0] == "--allow" for word in sys.argv):
    # `python -m` has put this folder in front, which may have files of others.
    del sys.path[0]

from like_keras_core.cli.main import main  # noqa: E402 - the path comes first

if __name__ == "__main__":
    sys.exit(main())
