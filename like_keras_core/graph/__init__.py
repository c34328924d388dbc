"""Questions about a spec, answered by pure functions.

Is it sound, what does it need, which channels and segments does it have. Nothing here
knows live components or processes.
"""
