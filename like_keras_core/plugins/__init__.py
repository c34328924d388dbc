"""Finding plug-ins and calling them.

Discovery, versions, the engines by name, and the hooks around the chosen one. What a
plug-in implements is at the root (`engine`, `hookspecs`); what it may use is in
`engine_kit`.
"""
