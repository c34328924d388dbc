"""What an author of an engine imports, beside the public nouns at the root.

What only the core needs stays in the packages that it comes from.
"""
