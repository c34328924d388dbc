"""`python -m like_keras_core` is `lk`."""

from __future__ import annotations

import sys

from like_keras_core.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
