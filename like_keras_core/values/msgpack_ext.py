"""What MessagePack is extended by, so that every value of a message has a form."""

from __future__ import annotations

import struct


class Code:
    """The extensions, by number: what each stands for, and what its data is."""

    INT = 1  # beyond 64 bits: two's complement, big end first
    TEXT = 2  # with lone surrogates: UTF-8 with them
    COMPLEX = 3  # two doubles, little end first
    PATH = 4  # [kind, text]
    TUPLE = 5  # [item, …]
    TUPLES = 6  # a list of tuples of one width: [[item, …], width]
    SET = 7  # [item, …]
    FROZENSET = 8  # [item, …]
    DICT = 9  # with keys that are not plain: [key, value, …]
    ENUM = 10  # [name, class]
    FLAG = 11  # [value, class]
    RECORD = 12  # [[field, …], signature]
    RECORDS = 13  # a list of records of one class: [[field, …], signature]
    OBJECT = 14  # another dataclass: [{attribute: value}, signature]
    SCALAR = 15  # of numpy: [dtype, bytes or text]
    ARRAY = 16  # [dtype, shape, axes]; the data is elsewhere
    REGISTERED = 17  # [what its `encode` returned, class]


OF_BYTES = frozenset({Code.INT, Code.TEXT, Code.COMPLEX})
"""The extensions whose data is not MessagePack."""
COMPLEX = struct.Struct("<dd")
