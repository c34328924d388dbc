"""`python -m like_keras_core.runtime.process`: the process of a node."""

from __future__ import annotations

import sys

from like_keras_core.runtime.process.started import main

sys.exit(main())
