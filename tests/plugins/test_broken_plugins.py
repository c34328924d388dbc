"""Many kinds of broken plug-in in one environment: each is named, none does harm."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from like_keras_core.cli.engine_scaffold.names import Names
from like_keras_core.cli.engine_scaffold.templates import distribution_files
from tests.conftest import ENGINE, Site, install_wheels, make_site, make_wheel

pytestmark = pytest.mark.slow

ENGINES, ALWAYS = "like_keras_core.engines", "like_keras_core.plugins"
GOOD = ENGINE.format(name="Found")


@dataclass(frozen=True)
class Broken:
    """A kind of broken engine.

    Args:
        name: Its name.
        cause: What is said of it when it is looked at closely.
        source: Its module; a good engine's when omitted.
        status: What it is listed as; `"ok"` where only its import shows the fault.
        entry: Its entry point; `{0}` is its module.
        requires: What it asks of the core.
    """

    name: str
    cause: str
    source: str = GOOD
    status: str = "ok"
    entry: str = "{0}:Found"
    requires: str = "like-keras-core>=0.1"


KINDS = (
    Broken(
        "moved",
        "'gone_since' is not there",
        status="missing-module",
        entry="gone_since:X",
    ),
    Broken("shapeless", "does not have the form", status="malformed", entry="{0}"),
    Broken(
        "future",
        "and 0.1.0 is installed",
        status="incompatible",
        requires="like-keras-core>=9",
    ),
    Broken("raises", "libcrash.so", "raise ImportError('libcrash.so is missing')\n"),
    Broken(
        "needy",
        "'no_such_library', which it needs, is not installed",
        "import no_such_library\n",
    ),
    Broken("typo", "SyntaxError", "class Found(:\n"),
    Broken("leaves", "SystemExit(3)", "raise SystemExit(3)\n"),
    Broken("empty", "has no attribute 'Found'", ""),
    Broken("no-engine", "expected a subclass of", "class Found: pass\n"),
    Broken(
        "half",
        "does not define",
        "from like_keras_core.engine import Engine\nclass Found(Engine): pass\n",
    ),
    Broken(
        "misfit",
        "found compile(self)",
        GOOD.replace("compile(self, system, build_dir=None)", "compile(self)"),
    ),
    Broken(
        "choosy",
        "raised ValueError('no robot')",
        GOOD + "    def __init__(self):\n        raise ValueError('no robot')\n",
    ),
)
"""Each is the engine of a distribution of its own."""

ABORTS = Broken("aborts", "exit code 7", "import os\nos._exit(7)\n")
"""Whoever imports it ends with it, so only those who send another process can tell."""

PLUGINS = {
    "explodes": "raise RuntimeError('boom')\n",
    "strange": "from like_keras_core.hookspecs import hookimpl\n"
    "@hookimpl\ndef compile(robot):\n    pass\n",
}
"""Always-on plug-ins, broken: by import, and by a hook that does not fit."""

ROBOT = """\
from like_keras_core import Component, System

class Source(Component):
    def forward(self) -> int:
        return 1

robot = System([Source()], name="robot")
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An environment with all of them, and with good ones."""
    folder = tmp_path_factory.mktemp("shop")
    made = make_site(folder)
    steam = Names("steam")
    good = distribution_files(steam)
    wheels = [
        make_wheel(
            folder,
            steam.distribution,
            entry_points={ENGINES: f"steam = {steam.package}:{steam.engine_class}"},
            files={
                path.removeprefix("src/"): text.encode()
                for path, text in good.items()
                if path.startswith("src/")
            },
        )
    ]
    for kind in (*KINDS, ABORTS):
        name = f"lk-broken-{kind.name}"
        module = name.replace("-", "_")
        wheels.append(
            make_wheel(
                folder,
                name,
                entry_points={ENGINES: f"{kind.name} = {kind.entry.format(module)}"},
                files={f"{module}/__init__.py": kind.source.encode()},
                requires=kind.requires,
            )
        )
    for plugin, source in PLUGINS.items():
        module = f"lk_broken_{plugin}"
        wheels.append(
            make_wheel(
                folder,
                f"lk-broken-{plugin}",
                entry_points={ALWAYS: f"{plugin} = {module}"},
                files={f"{module}.py": source.encode()},
            )
        )
    install_wheels(made.python, wheels)
    (made.work / "robot.py").write_text(ROBOT)
    yield made
    shutil.rmtree(folder)


def test_each_is_listed_and_the_good_ones_are_usable(shop: Site) -> None:
    """What metadata shows is in the list; the list succeeds."""
    done = shop.lk("engines", "list", "--json")

    found = {x["name"]: x["status"] for x in json.loads(done.stdout)["engines"]}
    assert (done.returncode, done.stderr) == (0, "")
    assert {kind.name: found[kind.name] for kind in KINDS} == {
        kind.name: kind.status for kind in KINDS
    }
    assert found["steam"] == "ok"


def test_the_doctor_names_each_with_its_cause(shop: Site) -> None:
    """By metadata what can be seen there, the rest when it may import."""
    done = shop.lk("doctor", "--load", "--json")

    checks = {item["subject"]: item for item in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert checks["engine steam"]["outcome"] == "PASS"
    for kind in (*KINDS, ABORTS):
        check = checks[f"engine {kind.name}"]
        assert check["outcome"] == "FAIL"
        assert f"lk-broken-{kind.name}" in check["text"]
        assert kind.cause in check["text"]
    for plugin in PLUGINS:
        assert checks[f"plug-in {plugin}"]["outcome"] == "FAIL"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_broken_engine_is_named_wherever_it_is_asked_for(
    shop: Site, kind: Broken
) -> None:
    """`info`, `check` and `launch` say what is wrong, and no traceback does."""
    loaded = shop.lk("engines", "info", kind.name, "--load")
    checked = shop.lk("engines", "check", kind.name, "--json")
    launched = shop.lk("launch", "robot.py", "--engine", kind.name)

    failed = [
        check["text"]
        for check in json.loads(checked.stdout)["checks"]
        if check["outcome"] == "FAIL"
    ]
    assert checked.returncode == 1
    for said in (loaded, launched):
        assert said.returncode == 3
        assert kind.cause in said.stderr
        assert "Traceback" not in said.stderr
    assert any(kind.cause in text for text in failed)


def test_an_import_that_ends_the_process_is_named_by_check(shop: Site) -> None:
    """`check` sends another process, and goes on."""
    done = shop.lk("engines", "check", ABORTS.name)

    assert done.returncode == 1
    assert f"FAIL  import: The process that imported it ended with {ABORTS.cause}" in (
        done.stdout
    )


@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["--help"],
        ["engines", "info", "steam", "--load"],
        ["engines", "new", "water"],
        ["completion", "bash"],
        ["graph", "robot.py"],
        ["validate", "robot.py", "--engine", "steam"],
        ["compile", "robot.py", "--engine", "steam"],
        ["launch", "robot.py", "--engine", "steam", "--iterations", "3"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_every_other_command_works(shop: Site, words: list[str]) -> None:
    """And is silent about what it does not need; broken plug-ins are left out."""
    done = shop.lk(*words)

    assert done.returncode == 0
    assert "lk-broken" not in done.stdout
    assert not any(kind.cause in done.stderr for kind in KINDS)


def test_what_is_left_out_is_said(shop: Site) -> None:
    """A launch goes on without a broken always-on plug-in, and says so once."""
    done = shop.lk("launch", "robot.py", "--engine", "steam", "--iterations", "3")

    assert done.returncode == 0
    for plugin, cause in (("explodes", "boom"), ("strange", "robot")):
        said = f"warning: Plug-in {plugin!r} (lk-broken-{plugin} 1.0) is left out"
        assert done.stderr.count(said) == 1
        assert cause in done.stderr
