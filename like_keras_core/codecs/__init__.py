"""Values as bytes or text, and back: one module a format."""
