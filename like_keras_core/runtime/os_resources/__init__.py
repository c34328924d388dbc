"""What the operating system gives a run: files, folders and limits of this machine.

What knows components, nodes or messages does not belong here.
"""
