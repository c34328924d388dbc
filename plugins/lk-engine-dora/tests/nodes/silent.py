"""Takes in everything, and sends nothing; a node of dora."""

from dora import Node

for _ in Node():
    pass
