"""Whether an engine keeps its promises: its metadata, its code, and what it does."""
