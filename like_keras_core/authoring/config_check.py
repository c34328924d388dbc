"""Whether each component's config is one, with fields of the types that it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from like_keras_core.component import Component
from like_keras_core.issue import Issue
from like_keras_core.values.field_types import is_dataclass_type
from like_keras_core.values.fit import misfit_of_fields
from like_keras_core.values.mismatch import shown


def config_issues(component: Component, address: str) -> Iterator[Issue]:
    """List what is wrong with the type of a config, or of a field in it.

    Args:
        component: The component.
        address: Its address.
    """
    cls = getattr(type(component), "Config", None)
    config = vars(component).get("config")
    if not is_dataclass_type(cls):
        return
    assert isinstance(cls, type)
    if not isinstance(config, cls):
        yield _issue(
            address,
            f"The config of {address!r} is {shown(config)} "
            f"({type(config).__name__}); expected a {cls.__qualname__}. "
            f"Write {_call(cls, config)}",
        )
    elif (error := misfit_of_fields(config)) is not None:
        yield _issue(address, f"'{address}.config{error.where}' {error.inner()}.")


def _call(cls: type, config: object) -> str:
    """Return how a config of a class is made, of a mapping if there is one."""
    names = getattr(cls, "__dataclass_fields__", {})
    inner = "..."
    if isinstance(config, Mapping) and config and set(config) <= set(names):
        inner = ", ".join(f"{name}={shown(item)}" for name, item in config.items())
    return f"config={cls.__qualname__}({inner})"


def _issue(address: str, text: str) -> Issue:
    return Issue(text, code="config-type", address=address)
