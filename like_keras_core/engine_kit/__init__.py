"""What an author of an engine imports, beside the public nouns at the root.

What only the core needs stays in the packages that it comes from.
"""

from __future__ import annotations

from like_keras_core.engine_kit.process_engine import ProcessEngine
from like_keras_core.runtime.flow.transport import Arrived, FrameParts

__all__ = ["Arrived", "FrameParts", "ProcessEngine"]
