"""An engine whose import is heard."""

from __future__ import annotations

from tests.testing.broken_engines import Sound

print("The noisy engine is ready.")


class Noisy(Sound):
    """Prints when it is imported."""

    name = "noisy"
    caught_by = "test_its_import_has_no_side_effects"
