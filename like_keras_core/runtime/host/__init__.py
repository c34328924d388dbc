"""Runs components: the plan of a process, the Python generated from it, and its loop.

Bytes and other processes are left to `flow`, `control` and `process`.
"""
