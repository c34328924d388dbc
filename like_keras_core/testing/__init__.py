"""What tests of components and engines need."""

from __future__ import annotations

from like_keras_core.values import same

__all__ = ["same"]
