"""The scaffold: a whole distribution with an engine, from templates."""
