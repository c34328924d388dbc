"""The launching side of a run over processes: phases, liveness, results, the end.

What runs inside a node's process is in `process`.
"""
