"""`lk engines` and `lk --version`: what a broken installation can still say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from like_keras_core.cli.main import main

if TYPE_CHECKING:
    from tests.conftest import Site

STATUSES = {
    ("bad", "lk-engine-bad"): "malformed",
    ("crash", "lk-engine-crash"): "ok",
    ("dora", "lk-engine-dora"): "ok",
    ("dora", "another-dora"): "shadowed",
    ("fine", "lk-engine-fine"): "ok",
    ("newer", "lk-engine-newer"): "incompatible",
    ("stale", "lk-engine-stale"): "missing-module",
    ("twin", "first-twin"): "ok",
    ("twin", "second-twin"): "shadowed",
    ("wrong", "lk-engine-wrong"): "ok",
}
HEAVY = ("click", "pluggy", "importlib.metadata", "email", "packaging", "typing")


def test_every_engine_is_listed_with_its_status(site: Site) -> None:
    """Whatever is broken stays in the list, with a reason, and the list succeeds."""
    done = site.lk("engines", "list", "--json")

    data = json.loads(done.stdout)
    found = {
        (item["name"], item["distribution"]): item["status"] for item in data["engines"]
    }
    assert (done.returncode, done.stderr, data["schema"]) == (0, "", 1)
    assert found == STATUSES
    assert all(bool(e["reason"]) == (e["status"] != "ok") for e in data["engines"])
    assert list(data["engines"][0]) == [
        "name",
        "distribution",
        "version",
        "requires_core",
        "status",
        "reason",
        "summary",
    ]


def test_the_table_shows_the_same(site: Site) -> None:
    """Through a pipe it is plain text, a line an engine."""
    done = site.lk("engines", "list")

    header, *lines = done.stdout.splitlines()
    assert header.split() == [
        "ENGINE",
        "STATUS",
        "DISTRIBUTION",
        "VERSION",
        "CORE",
        "ABOUT",
    ]
    rows = {(line.split()[0], line.split()[2]): line.split()[1] for line in lines}
    assert rows == STATUSES
    assert "\x1b" not in done.stdout


def test_disabled_engines_stay_in_the_list(site: Site) -> None:
    """A star leaves only what we publish."""
    done = site.lk("engines", "list", "--json", LK_ENGINES_DISABLE="*")

    usable = [e["name"] for e in json.loads(done.stdout)["engines"] if not e["reason"]]
    assert usable == ["dora"]


@pytest.mark.parametrize("words", [["engines", "list"], ["--version"]])
def test_listing_imports_nothing(site: Site, words: list[str]) -> None:
    """Neither plug-ins, nor pluggy, click, importlib.metadata or email."""
    code = f"""
        import sys
        before = set(sys.modules)
        from like_keras_core.cli.main import main

        assert main({words!r}) == 0
        print(sorted(set(sys.modules) - before))
    """

    loaded = site.run(code).stdout.splitlines()[-1]

    assert [name for name in HEAVY if repr(name) in loaded] == []
    assert "lk_" not in loaded
    assert "twin" not in loaded


@pytest.mark.parametrize("name", ["fine", "bad", "crash", "stale", "newer", "wrong"])
def test_info_works_for_every_engine(site: Site, name: str) -> None:
    """Without --load nothing is imported, so nothing can break."""
    done = site.lk("engines", "info", name, "--json")

    engine = json.loads(done.stdout)["engine"]
    assert (done.returncode, engine["name"]) == (0, name)
    assert engine["entry_point"]


def test_info_names_those_that_are_shadowed(site: Site) -> None:
    """Everybody who claims the name is shown."""
    data = json.loads(site.lk("engines", "info", "dora", "--json").stdout)

    assert data["engine"]["distribution"] == "lk-engine-dora"
    assert [item["distribution"] for item in data["shadowed"]] == ["another-dora"]


def test_info_can_import_and_ask_for_capabilities(site: Site) -> None:
    """Each capability is explained; one of a newer core does no harm."""
    done = site.lk("engines", "info", "fine", "--load")

    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "delay connections with a delay" in lines
    assert lines[-2].startswith("a-capability-of-the-future not known")


@pytest.mark.parametrize("name", ["crash", "wrong", "newer"])
def test_loading_a_broken_engine_exits_with_3(site: Site, name: str) -> None:
    """One sentence on stderr; the traceback is for --debug."""
    done = site.lk("engines", "info", name, "--load")
    debug = site.lk("engines", "info", name, "--load", "--debug")

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: Engine")
    assert "Traceback" not in done.stderr
    assert "Traceback" in debug.stderr
    assert debug.returncode == 3


def test_an_unknown_engine_is_answered_with_the_nearest(site: Site) -> None:
    """Did you mean …?"""
    done = site.lk("engines", "info", "fien")

    assert done.returncode == 3
    assert "Did you mean 'fine'?" in done.stderr


def test_the_version_is_the_distributions(site: Site) -> None:
    """With click and without it the answer is the same."""
    first = site.lk("--version").stdout
    second = site.lk("--debug", "--version").stdout

    assert first == second == "lk 0.1.0\n"


def test_python_m_is_lk(site: Site) -> None:
    """Where no script is on the path, the package runs."""
    code = "import runpy; runpy.run_module('like_keras_core', run_name='__main__')"

    done = site.run(f"import sys; sys.argv = ['lk', '--version']; {code}")

    assert (done.returncode, done.stdout) == (0, "lk 0.1.0\n")


def test_help_imports_no_command(site: Site) -> None:
    """The lines of help are at hand, and so are the exit codes."""
    code = """
        import sys
        from like_keras_core.cli.main import main

        main(["--help"])
        names = [name.partition("like_keras_core.cli.")[2] for name in sys.modules]
        print(sorted(filter(None, names)))
    """

    done = site.run(code)

    assert "launch" in done.stdout
    assert "the engine is missing or cannot be used" in done.stdout
    assert done.stdout.splitlines()[-1] == "['app', 'main', 'plugin_commands']"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["engine"], "Did you mean 'engines'?"),
        (["nonsense"], "No such command 'nonsense'"),
        (["engines", "list", "--jso"], "--jso"),
        (["completion", "tcsh"], "tcsh"),
    ],
)
def test_wrong_usage_exits_with_2(
    capsys: pytest.CaptureFixture[str], words: list[str], text: str
) -> None:
    """The message says what was wrong, on stderr."""
    code = main(words)

    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert text in captured.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(site: Site, shell: str) -> None:
    """The script asks `lk` itself for the words."""
    done = site.lk("completion", shell)

    assert done.returncode == 0
    assert f"_LK_COMPLETE={shell}_complete" in done.stdout


def test_names_of_engines_are_completed(site: Site) -> None:
    """Completion reads metadata, as listing does."""
    done = site.lk(
        _LK_COMPLETE="bash_complete", COMP_WORDS="lk engines info fi", COMP_CWORD="3"
    )

    assert done.stdout.split() == ["plain,fine"]


def test_a_reader_that_leaves_is_no_error(site: Site) -> None:
    """As in `lk engines list | head`."""
    code = """
        import os, sys
        from like_keras_core.cli.main import main

        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, sys.stdout.fileno())
        sys.exit(main(["engines", "list"]))
    """

    done = site.run(code)

    assert (done.returncode, done.stderr) == (1, "")
