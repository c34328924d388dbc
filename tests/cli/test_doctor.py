"""`lk doctor`: what is wrong, how bad it is, and what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.conftest import Site


def examine(site: Site, *words: str, **environment: str) -> tuple[int, dict[str, Any]]:
    done = site.lk("doctor", "--json", *words, **environment)
    assert done.stderr == ""
    data = json.loads(done.stdout)
    return done.returncode, {item["subject"]: item for item in data["checks"]}


def test_each_engine_and_plugin_has_a_result(site: Site) -> None:
    """What cannot be used fails; what was switched off or shadowed is a warning."""
    code, checks = examine(site)

    outcomes = {subject: check["outcome"] for subject, check in checks.items()}
    assert code == 1
    assert outcomes["like-keras-core"] == outcomes["Python"] == "PASS"
    assert outcomes["engine fine"] == outcomes["plug-in tracing"] == "PASS"
    assert outcomes["engine stale"] == outcomes["engine newer"] == "FAIL"
    assert outcomes["engine bad"] == "FAIL"
    assert outcomes["engine twin"] == outcomes["plug-in crashing"] == "WARN"


def test_nothing_is_imported_unasked(site: Site) -> None:
    """An engine that raises on import passes until --load imports it."""
    _, static = examine(site, LK_PLUGINS_DISABLE="")
    _, loaded = examine(site, "--load", LK_PLUGINS_DISABLE="")

    for subject in ("engine crash", "engine wrong", "plug-in crashing"):
        assert static[subject]["outcome"] == "PASS"
        assert loaded[subject]["outcome"] == "FAIL"
    assert "libcrash.so" in loaded["engine crash"]["text"]
    assert "compile(self)" in loaded["engine wrong"]["text"]
    assert loaded["engine fine"]["outcome"] == "PASS"
    assert loaded["plug-in rule"]["outcome"] == "PASS"


def test_warnings_alone_exit_with_0(site: Site) -> None:
    """With everything third-party switched off nothing is broken."""
    off = {"LK_ENGINES_DISABLE": "*,dora", "LK_PLUGINS_DISABLE": "*"}

    code, checks = examine(site, **off)

    assert code == 0
    assert checks["LK_ENGINES_DISABLE"]["outcome"] == "WARN"
    assert "pip install lk-engine-native" in checks["engines"]["text"]


def test_the_table_says_that_something_failed(site: Site) -> None:
    """People get a line each, and a last one that sums up."""
    done = site.lk("doctor")

    assert done.stdout.startswith("RESULT")
    assert "FAIL    engine stale" in done.stdout
    assert done.stdout.endswith("see the lines with FAIL.\n")
