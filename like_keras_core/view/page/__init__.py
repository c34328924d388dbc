"""A system as one HTML page: a drawing to explore, and the same as tables."""
