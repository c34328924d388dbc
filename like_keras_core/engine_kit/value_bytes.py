"""Values as bytes and arrays as buffers, for recorders and viewers that write them.

Importing this imports numpy and msgspec: import it in the function that needs it.
"""

from __future__ import annotations

from like_keras_core.values.array_buffers import (
    check_array,
    content_bytes,
    dense,
    dtype_name,
    dtype_of,
    flat_bytes,
    size_of,
    view,
)
from like_keras_core.values.msgpack import from_bytes, to_bytes
from like_keras_core.values.msgpack_ext import Code

__all__ = [
    "Code",
    "check_array",
    "content_bytes",
    "dense",
    "dtype_name",
    "dtype_of",
    "flat_bytes",
    "from_bytes",
    "size_of",
    "to_bytes",
    "view",
]
