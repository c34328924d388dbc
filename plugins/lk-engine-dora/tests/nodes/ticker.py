"""Sends until its inputs are closed; a node of dora."""

import pyarrow as pa
from dora import Node

node = Node()
number = 0
while node.next(0.01)["type"] != "STOP":
    node.send_output("data", pa.array([number]))
    number += 1
print("the ticker saw the end", flush=True)
