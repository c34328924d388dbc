"""What a launcher and a node's process say to each other, and how it travels.

The messages, the authenticated connection, and the agreement on the end of a run.
Values of components go over `flow` instead.
"""
