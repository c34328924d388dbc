"""One set of plug-ins for an engine: who answers, who is left out, who is to blame."""

from __future__ import annotations

import copy
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from like_keras_core.engine import Artefact, Engine
from like_keras_core.errors import (
    EngineContractError,
    EngineOptionError,
    LkError,
    LkWarning,
    PluginError,
)
from like_keras_core.graph.requirements import Capability
from like_keras_core.issue import Issue
from like_keras_core.node import Node
from like_keras_core.plugins.discovery import (
    PLUGIN_GROUP,
    PLUGINS_DISABLE,
    find_plugins,
)
from like_keras_core.plugins.engine_adapter import EngineHooks
from like_keras_core.plugins.session import (
    Session,
    load_plugin,
    missing_capabilities,
    session_without_engine,
)
from like_keras_core.report import RunReport
from like_keras_core.spec import ComponentSpec, SystemSpec
from like_keras_core.system import System
from like_keras_core.testing.components import Count
from tests.components import Pass

if TYPE_CHECKING:
    from tests.conftest import Site

SPEC = SystemSpec(name="demo")
AddPlugin = Callable[..., None]


class Plain(Engine):
    """An engine that answers what it is told to."""

    name = "plain"
    capabilities = frozenset({"delay", "not-yet-invented"})

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[Any] = []

    def validate(self, system: Any) -> Any:
        return self.answers.get("validate", (True, []))

    def compile(self, system: Any, build_dir: Path | None = None) -> Any:
        return self.answers.get("compile", build_dir)

    def launch(
        self, system: Any, config_path: Path | None = None, **options: Any
    ) -> Any:
        self.asked.append((system, config_path, options))
        return self.answers.get("launch", RunReport(engine="plain", system="demo"))

    def serialize_component(self, component: Any) -> Any:
        return self.answers.get("serialize_component")


def ask_everything(session: Session) -> None:
    session.validate(SPEC)
    session.serialize_component(object())
    session.launch(SPEC, session.compile(SPEC), {})


@pytest.fixture
def add_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AddPlugin]:
    """Installs always-on plug-ins, from their source, for the length of a test."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delenv(PLUGINS_DISABLE, raising=False)
    modules = []

    def add(name: str, source: str, attribute: str = "") -> None:
        module = f"lk_test_plugin_{name}"
        modules.append(module)
        text = "from like_keras_core.hookspecs import hookimpl\n"
        (tmp_path / f"{module}.py").write_text(text + textwrap.dedent(source))
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: dist-of-{name}\nVersion: 1.0\n")
        entry = f"[{PLUGIN_GROUP}]\n{name} = {module}{attribute}\n"
        (info / "entry_points.txt").write_text(entry)

    yield add
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a test's own plug-ins take part."""
    monkeypatch.setenv(PLUGINS_DISABLE, "*")


def test_the_hooks_call_the_engines_methods(tmp_path: Path) -> None:
    """The artefact's path and the options reach the engine's launch."""
    engine = Plain()
    session = Session(engine)

    issues = session.validate(SPEC)
    artefact = session.compile(SPEC, tmp_path)
    report = session.launch(SPEC, artefact, {"iterations": 3})

    assert issues == []
    assert artefact == Artefact("plain", tmp_path)
    assert report.engine == "plain"
    assert engine.asked == [(SPEC, tmp_path, {"iterations": 3})]


def test_an_engines_reasons_become_its_issues() -> None:
    """A plain string is an error of the engine; an Issue keeps what it says."""
    warning = Issue("slow", code="slow", address="a.b", severity="warning")
    session = Session(Plain(validate=(False, ["no", warning])))

    first, second = session.validate(SPEC)

    assert (first, first.severity, first.plugin) == ("no", "error", "plain")
    assert (second.code, second.address, second.plugin) == ("slow", "a.b", "plain")
    assert second.severity == "warning"


@pytest.mark.parametrize("reasons", [[], [Issue("slow", severity="warning")]])
def test_a_refusal_without_a_reason_is_an_error(reasons: list[str]) -> None:
    """`(False, [])` stops a launch."""
    issues = Session(Plain(validate=(False, reasons))).validate(SPEC)

    assert issues[-1].severity == "error"
    assert "gives no reason" in issues[-1]


@pytest.mark.parametrize(
    ("hook", "answer", "expected"),
    [
        ("validate", None, r"\(bool, list\[str\]\)"),
        ("validate", True, r"\(bool, list\[str\]\)"),
        ("validate", (True, "text"), r"\(bool, list\[str\]\)"),
        ("validate", (True, [1]), r"\(bool, list\[str\]\)"),
        ("validate", ([], True), r"\(bool, list\[str\]\)"),
        ("compile", "build/plan", "pathlib.Path or None"),
        ("launch", None, "a RunReport"),
        ("serialize_component", {}, "a ComponentSpec or None"),
    ],
)
def test_a_wrong_answer_of_an_engine_is_named(
    hook: str, answer: object, expected: str
) -> None:
    """The error says which engine, which method, what came and what was expected."""
    session = Session(Plain(**{hook: answer}))
    calls: dict[str, Callable[[], object]] = {
        "validate": lambda: session.validate(SPEC),
        "compile": lambda: session.compile(SPEC),
        "launch": lambda: session.launch(SPEC, Artefact("plain"), {}),
        "serialize_component": lambda: session.serialize_component(object()),
    }

    with pytest.raises(EngineContractError, match=expected) as caught:
        calls[hook]()

    assert f"{hook} must return" in str(caught.value)
    assert "'plain'" in caught.value.who


def test_wrong_signatures_are_found_before_a_call() -> None:
    """All of them at once, with what was found and what is expected."""

    class Wrong(Plain):
        def compile(self) -> Any:  # type: ignore[override]
            raise AssertionError

        def launch(self, system: Any, path: Any, **options: Any) -> Any:  # type: ignore[override]
            raise AssertionError

        serialize_component = None  # type: ignore[assignment]

    with pytest.raises(EngineContractError) as caught:
        Session(Wrong())

    text = str(caught.value)
    assert len(caught.value.problems) == 3
    assert "found compile(self), expected compile(self, system, build_dir=None)" in text
    assert "found launch(self, system, path, **options)" in text
    assert "serialize_component is None" in text


@pytest.mark.parametrize("capabilities", ["delay", ["delay"], None])
def test_capabilities_are_a_set(capabilities: Any) -> None:
    """In a string every part of a name would be a capability."""
    engine = Plain()
    engine.capabilities = capabilities  # type: ignore[misc]

    with pytest.raises(EngineContractError, match="frozenset of names"):
        EngineHooks(engine)


@pytest.mark.parametrize("options", [{"typo": 1}, {"config_path": "x"}])
def test_an_option_that_launch_cannot_take_is_refused(options: dict[str, Any]) -> None:
    """An engine that spells its options out needs no check of its own."""

    class Exact(Plain):
        def launch(  # type: ignore[override]
            self, system: Any, config_path: Any = None, *, type_: int = 0
        ) -> Any:
            raise AssertionError

    with pytest.raises(EngineOptionError, match="does not know the option") as caught:
        Session(Exact()).launch(SPEC, Artefact("plain"), options)

    assert caught.value.known == ("type_",)


def test_missing_capabilities_are_issues() -> None:
    """A need that is not declared is an issue; names from a newer core do no harm."""
    needs = [Capability("delay", "a", "x.y"), Capability("hold", "port b", "x.b")]

    (issue,) = missing_capabilities(Plain(), needs)

    assert (issue.address, issue.code) == ("x.b", "capability")
    assert "'hold'" in issue


def test_without_plugins_nobody_is_asked() -> None:
    """The always-on plug-ins alone have nothing to say where none is installed."""
    session = session_without_engine()

    assert session.validate(SPEC) == []
    assert session.serialize_component(object()) is None


def test_issues_carry_their_plugins_name(add_plugin: AddPlugin) -> None:
    """Every plug-in's issues are collected, whoever raised them."""
    add_plugin("rule", "@hookimpl\ndef validate(system): return ['unnamed']")
    add_plugin("quiet", "@hookimpl\ndef validate(): return None")
    session = Session(Plain(validate=(False, ["no"])))

    issues = session.validate(SPEC)

    assert {(str(issue), issue.plugin) for issue in issues} == {
        ("no", "plain"),
        ("unnamed", "rule"),
    }


@pytest.mark.parametrize("surrounding", ["mixed engines", "no native engine"])
def test_house_rules_count_where_no_engine_is_asked(
    surrounding: str, add_plugin: AddPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are the house's, whatever is installed beside them."""
    add_plugin("rule", "@hookimpl\ndef validate(system): return ['not our name']")
    count, passes = Count(), Pass()
    if surrounding == "mixed engines":
        count.node = Node("a", engine="native")
        passes.node = Node("b", engine="steam")
    else:
        monkeypatch.setenv("LK_ENGINES_DISABLE", "native")

    issues = System([count, passes]).validate()

    assert ("not our name", "rule") in {(str(x), x.plugin) for x in issues}


def test_a_plugin_may_be_a_class(add_plugin: AddPlugin) -> None:
    """A class is made first, and its methods are the hooks."""
    source = """
        class Rule:
            @hookimpl
            def validate(self, system):
                return [system.name]
    """
    add_plugin("rule", source, ":Rule")

    assert session_without_engine().validate(SPEC) == ["demo"]


def test_a_plugin_that_fails_is_an_issue(add_plugin: AddPlugin) -> None:
    """A rule that breaks does not count as passed, and the way round it is said."""
    add_plugin("rule", "@hookimpl\ndef validate(system): return 1 / 0")

    (issue,) = Session(Plain()).validate(SPEC)

    assert (issue.severity, issue.plugin) == ("error", "rule")
    assert "ZeroDivisionError" in issue
    assert "dist-of-rule 1.0" in issue
    assert f"{PLUGINS_DISABLE}=rule" in issue


def test_a_plugin_may_serialize_a_component(add_plugin: AddPlugin) -> None:
    """Its answer stands where the engine has none."""
    source = """
        from like_keras_core.spec import ComponentSpec

        @hookimpl
        def serialize_component(component):
            return ComponentSpec(name="c", node="n", entry_point="m:C")
    """
    add_plugin("special", source)
    own = ComponentSpec(name="own", node="n", entry_point="m:Own")

    without = session_without_engine().serialize_component(object())
    silent = Session(Plain()).serialize_component(object())
    engine = Session(Plain(serialize_component=own)).serialize_component(object())

    assert without is not None
    assert (without, engine) == (silent, own)
    assert without.entry_point == "m:C"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def validate(system): return 'text'", "a list of issues"),
        ("def serialize_component(component): return 3", "a ComponentSpec or None"),
        ("def serialize_component(component): return 1 / 0", "ZeroDivisionError"),
    ],
    ids=["validate", "serialize", "raise"],
)
def test_a_wrong_answer_of_a_plugin_is_named(
    add_plugin: AddPlugin, source: str, expected: str
) -> None:
    """The error names plug-in, distribution and switch."""
    add_plugin("odd", f"@hookimpl\n{source}")
    session = Session(Plain())

    with pytest.raises(PluginError, match=expected) as caught:
        ask_everything(session)

    assert "'odd' (dist-of-odd 1.0)" in str(caught.value)
    assert f"{PLUGINS_DISABLE}=odd" in str(caught.value)


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        ("validate(system)", "the lists of issues"),
        ("compile(system, build_dir)", "the Artefact"),
        ("launch(system)", "the RunReport"),
        ("serialize_component(component)", "the ComponentSpec or None"),
    ],
)
def test_a_wrapper_must_return_what_it_wraps(
    add_plugin: AddPlugin, hook: str, expected: str
) -> None:
    """A wrapper that loses the answer is named, not the engine."""
    source = f"@hookimpl(wrapper=True)\ndef {hook}:\n    yield\n    return 0"
    add_plugin("losing", source)
    own = ComponentSpec(name="own", node="n", entry_point="m:Own")
    session = Session(Plain(serialize_component=own))

    with pytest.raises(PluginError, match=f"it must return {expected}") as caught:
        ask_everything(session)

    assert (caught.value.plugin, caught.value.hook) == (
        "losing",
        hook.split("(", maxsplit=1)[0],
    )
    assert caught.value.origin == "dist-of-losing 1.0"
    assert f"{PLUGINS_DISABLE}=losing" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("report = yield; 1 / 0", r"it raised ZeroDivisionError\(.*\) after its yield"),
        ("report = yield; raise LkError('no')", r"LkError\('no'\) after its yield"),
        ("report = yield", "it must return the RunReport that came out of its yield"),
        ("report = yield; yield; return report", "it has more than one yield"),
    ],
)
def test_a_wrapper_that_fails_after_a_run_loses_no_report(
    add_plugin: AddPlugin, body: str, problem: str
) -> None:
    """The error has it, and says so."""
    add_launch_wrapper(add_plugin, body)
    report = RunReport(engine="plain", system="demo", iterations=7)

    with pytest.raises(PluginError, match=problem) as caught:
        ask_everything(Session(Plain(launch=report)))

    assert caught.value.report == report
    assert "with 7 ticks done" in str(caught.value)
    assert str(copy.copy(caught.value)) == str(caught.value)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("1 / 0; yield", r"it raised ZeroDivisionError\(.*\) before its yield"),
        ("return None; yield", "it returned before its yield"),
    ],
)
def test_a_wrapper_that_fails_before_a_run_is_named(
    add_plugin: AddPlugin, body: str, problem: str
) -> None:
    """The engine is not asked, and there is no report."""
    add_launch_wrapper(add_plugin, body)
    engine = Plain()

    with pytest.raises(PluginError, match=problem) as caught:
        ask_everything(Session(engine))

    assert caught.value.report is None
    assert engine.asked == []


def test_a_wrapper_may_refuse_a_launch(add_plugin: AddPlugin) -> None:
    """What derives from LkError is said on purpose, and passes as it is."""
    add_launch_wrapper(add_plugin, "raise LkError('not today'); yield")

    with pytest.raises(LkError, match=r"^not today$"):
        ask_everything(Session(Plain()))


class Failing(Plain):
    def launch(
        self, system: Any, config_path: Path | None = None, **options: Any
    ) -> Any:
        raise LookupError("of the run") from KeyError("its cause")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("try: yield\n    except LookupError: 1 / 0", "it raised ZeroDivisionError"),
        ("try: yield\n    except LookupError: yield", "it has more than one yield"),
    ],
)
def test_a_wrapper_that_fails_after_a_failure_does_not_hide_it(
    add_plugin: AddPlugin, body: str, problem: str
) -> None:
    """The run's own error comes out; the plug-in's is a warning."""
    add_launch_wrapper(add_plugin, body)

    with (
        pytest.warns(LkWarning, match=f"'wrapping' .*{problem}"),
        pytest.raises(LookupError, match="of the run") as caught,
    ):
        ask_everything(Session(Failing()))

    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("try: return (yield)\n    finally: print()", LookupError),
        ("try: yield\n    except LookupError: raise LkError('told')", LkError),
    ],
)
def test_a_wrapper_may_pass_a_failure_on_or_say_it_otherwise(
    add_plugin: AddPlugin, body: str, kind: type[Exception]
) -> None:
    """Both are on purpose."""
    add_launch_wrapper(add_plugin, body)

    with pytest.raises(kind):
        ask_everything(Session(Failing()))


def add_launch_wrapper(add_plugin: AddPlugin, body: str) -> None:
    head = "from like_keras_core import LkError\n@hookimpl(wrapper=True)\n"
    source = f"{head}def launch():\n    {body}"
    add_plugin("wrapping", source)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise ImportError('libx.so')", "libx.so"),
        ("raise SystemExit(3)", "SystemExit"),
        ("@hookimpl\ndef validate(graph): pass", "graph"),
        ("@hookimpl\ndef valdate(system): pass", "valdate"),
        ("@hookimpl\ndef compile(system): pass", "only the engine"),
        ("@hookimpl(tryfirst=True)\ndef launch(system): pass", "wrapper=True"),
    ],
)
def test_a_broken_plugin_is_left_out(
    add_plugin: AddPlugin, source: str, reason: str
) -> None:
    """The others and the engine work on; a warning says who, why, and what to do."""
    add_plugin("broken", source)
    add_plugin("rule", "@hookimpl\ndef validate(system): return ['unnamed']")

    with pytest.warns(LkWarning, match="'broken'") as caught:
        session = Session(Plain())

    assert session.validate(SPEC) == ["unnamed"]
    text = str(caught[0].message)
    assert reason in text
    assert "dist-of-broken 1.0" in text
    assert f"{PLUGINS_DISABLE}=broken" in text


def test_one_object_under_two_names_is_used_once(
    add_plugin: AddPlugin, tmp_path: Path
) -> None:
    """The second registration is left out with a warning."""
    add_plugin("one", "@hookimpl\ndef validate(system): return ['unnamed']")
    path = tmp_path / "lk_test_plugin_one-1.0.dist-info" / "entry_points.txt"
    path.write_text(f"{path.read_text()}two = lk_test_plugin_one\n")

    with pytest.warns(LkWarning, match="'two'"):
        session = session_without_engine()

    assert session.validate(SPEC) == ["unnamed"]


def test_a_disabled_plugin_is_not_imported(
    add_plugin: AddPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The switch is read before any import."""
    add_plugin("broken", "raise ImportError")
    monkeypatch.setenv(PLUGINS_DISABLE, "broken")

    assert session_without_engine().validate(SPEC) == []


def test_a_listed_but_unusable_plugin_says_why(add_plugin: AddPlugin) -> None:
    """What the listing knows is repeated when somebody loads it."""
    add_plugin("odd", "", ":not a name")
    (record,) = [item for item in find_plugins() if item.name == "odd"]

    with pytest.raises(LkError, match="malformed"):
        load_plugin(record)


def test_an_optional_hook_may_belong_to_another_core(add_plugin: AddPlugin) -> None:
    """A plug-in for two versions of the core marks what only one of them has."""
    add_plugin("new", "@hookimpl(optionalhook=True)\ndef visualize(system): pass")

    assert session_without_engine().validate(SPEC) == []


def test_an_installed_wrapper_traces_a_compile(site: Site) -> None:
    """A plug-in of a real distribution sees what the engine made."""
    code = """
        from like_keras_core.plugins.engine_registry import open_session
        from like_keras_core.spec import SystemSpec

        print(open_session("fine").compile(SystemSpec(name="demo")))
    """

    done = site.run(code)

    assert done.stdout.strip() == "Artefact(engine='fine', path=None)"
    assert done.stderr.splitlines() == ["before compile", "after compile fine"]


def test_an_installed_plugin_that_cannot_be_imported_is_left_out(site: Site) -> None:
    """The engine runs, and the warning names the distribution and the switch."""
    code = """
        import warnings
        from like_keras_core.plugins.engine_registry import open_session
        from like_keras_core.spec import SystemSpec

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            session = open_session("fine")
        print(*[item.message for item in caught])
        print(session.validate(SystemSpec()))
    """

    done = site.run(code, LK_PLUGINS_DISABLE="")

    warning, issues = done.stdout.splitlines()
    assert "'crashing' (lk-crashing 1.0) is left out" in warning
    assert "LK_PLUGINS_DISABLE=crashing" in warning
    assert issues == "['A robot needs a name.']"


def test_lowering_without_plugins_imports_no_pluggy(site: Site) -> None:
    """Asking nobody costs nothing."""
    code = """
        import sys
        from like_keras_core.plugins.session import session_without_engine

        session_without_engine().serialize_component(object())
        sys.exit("pluggy" in sys.modules)
    """

    assert site.run(code, LK_PLUGINS_DISABLE="*").returncode == 0
