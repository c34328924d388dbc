"""From a Python object to a spec.

What is recorded of a component when it is made and wired, and how a system of them
becomes frozen data. Questions about the resulting graph are in `graph`; what runs it is
in `runtime`.
"""
