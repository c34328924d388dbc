"""A node's process: its main function, its event loop, its ends of the channels.

The launching side is in `supervision`.
"""
