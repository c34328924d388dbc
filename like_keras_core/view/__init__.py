"""A system and a run for people: tables, Mermaid, and the page to explore.

Nothing here runs or changes a system.
"""
