"""What a value is, and its bytes: equality, annotations, JSON of configs, messages.

How bytes reach another process is left to `runtime.flow`.
"""
