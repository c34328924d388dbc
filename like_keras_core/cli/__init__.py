"""The command `lk`: it parses, calls the core, and prints.

What a command does is written in the package that it is about, except for the checks
and the scaffold of engines, which have no other user.
"""
