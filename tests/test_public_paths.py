"""What users, plug-ins and saved systems name stays where it is."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points

import pytest

import like_keras_core as lk

ROOT = (
    *("component", "engine", "errors", "hookspecs", "issue", "launch_options"),
    *("lifecycle", "node", "port", "report", "spec", "system", "tap"),
)
NAMES = frozenset(
    {
        *("Artefact", "CapabilityError", "Component", "ComponentError", "EndOfStream"),
        *("Engine", "EngineBrokenError", "EngineContractError", "EngineError"),
        *("EngineNotFoundError", "EngineOptionError", "GraphError", "HostLostError"),
        *("InputPort", "Issue", "LaunchTimeoutError", "LifecycleState", "LkError"),
        *("LkWarning", "LoadError", "MixedEnginesError", "Node", "NotAllowedError"),
        *("NotSerializableError", "OutputError", "OutputPort", "PluginError"),
        *("RunReport", "SpecError", "SpecVersionError", "System", "SystemSpec", "Tap"),
        *("ValueMutationError", "VersionMismatchError", "as_spec", "get_engine"),
        *("hookimpl", "list_engines", "register_engine", "register_type"),
    }
)
SAVED = (
    *("testing.components:Count", "testing.components:Scale"),
    *("testing.components:Sum", "testing.components:Odd", "node:Node"),
)
"""What the files of saved systems name."""


@pytest.mark.parametrize("module", ROOT)
def test_a_module_of_the_root_is_there(module: str) -> None:
    """Plug-ins import it by its path."""
    assert import_module(f"like_keras_core.{module}").__doc__


def test_the_root_offers_what_it_did() -> None:
    """Each name, and no other."""
    assert sorted(lk.__all__) == sorted(NAMES)
    assert all(getattr(lk, name) is not None for name in NAMES)


@pytest.mark.parametrize("name", ["EngineConformance", "assert_replays", "run", "same"])
def test_the_tools_for_tests_are_there(name: str) -> None:
    """Under `lk.testing`."""
    assert getattr(lk.testing, name) is not None


@pytest.mark.parametrize("path", SAVED)
def test_a_class_that_saved_systems_name_is_there(path: str) -> None:
    """And says itself that it is."""
    module, _, name = path.partition(":")

    found = getattr(import_module(f"like_keras_core.{module}"), name)

    assert (found.__module__, found.__qualname__) == (
        f"like_keras_core.{module}",
        name,
    )


@pytest.mark.parametrize(
    ("group", "name", "value"),
    [
        ("console_scripts", "lk", "like_keras_core.cli.main:main"),
        ("pytest11", "like_keras", "like_keras_core.testing.pytest_plugin"),
        ("like_keras_core.engines", "native", "lk_engine_native:NativeEngine"),
    ],
)
def test_an_entry_point_leads_where_it_says(group: str, name: str, value: str) -> None:
    """The command, the plug-in of pytest and the native engine."""
    (point,) = entry_points(group=group, name=name)

    assert point.value == value
    assert point.load() is not None
