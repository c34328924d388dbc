"""Importing is free: the core brings nothing along."""

import json
import subprocess
import sys

THIRD_PARTY = """
import json, sys
before = set(sys.modules)
import like_keras_core
{use}
loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
ours = {{"like_keras_core", "lk_engine_native"}}
print(json.dumps(sorted(loaded - ours - set(sys.stdlib_module_names))))
"""


def third_party(use: str) -> list[str]:
    """Return the third-party packages that a fresh process loads."""
    done = subprocess.run(
        [sys.executable, "-c", THIRD_PARTY.format(use=use)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    names: list[str] = json.loads(done.stdout)
    return names


def test_importing_the_core_loads_no_third_party_module() -> None:
    """Not even those that it depends on."""
    assert third_party("") == []


def test_every_public_name_loads_no_third_party_module_but_pluggy() -> None:
    """Only writing hook implementations needs pluggy."""
    use = (
        "names = set(like_keras_core.__all__) - {'hookimpl'}\n"
        "[getattr(like_keras_core, name) for name in names]"
    )

    assert third_party(use) == []


def test_authoring_and_checking_load_no_third_party_module() -> None:
    """A system can be described, checked and saved with the core alone."""
    use = (
        "from like_keras_core.testing.components import Count, Scale\n"
        "system = like_keras_core.System([Count(), Scale()])\n"
        "assert system.to_spec().digest()\n"
        "assert system.summary()"
    )

    assert third_party(use) == []


def test_the_public_names_are_those_that_are_documented() -> None:
    """Sorted, and each one is there."""
    import like_keras_core as lk

    assert lk.__all__ == sorted(lk.__all__)
    assert all(hasattr(lk, name) for name in lk.__all__)
    assert set(lk.__all__) <= set(dir(lk))
    assert lk.testing.same(1, 1)
