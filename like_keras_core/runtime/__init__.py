"""What runs a system once it is a spec: hosts, flows, control, supervision.

Packages inside are layers, from `process` down to `host` and `flow`; a module directly
here serves several of them.
"""
