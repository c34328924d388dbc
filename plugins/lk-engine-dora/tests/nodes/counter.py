"""Sends 0, 1, … N-1, and exits with a code: `counter.py N CODE`; a node of dora."""

import sys
import time

import pyarrow as pa
from dora import Node

node = Node()
for number in range(int(sys.argv[1])):
    node.send_output("data", pa.array([number]))
# dora loses what a node sends just before it fails.
time.sleep(0.3)
if sys.argv[2] != "0":
    print("the counter cannot count", file=sys.stderr)
sys.exit(int(sys.argv[2]))
