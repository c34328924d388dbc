"""Answers its first N inputs, and exits: `echo.py N`; a node of dora."""

import sys

from dora import Node

node = Node()
left = int(sys.argv[1])
for event in node:
    if event["type"] == "INPUT":
        if not left:
            break
        left -= 1
        node.send_output("back", event["value"], event["metadata"])
