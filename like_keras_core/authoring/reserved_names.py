"""Names that every component has already, and what to write instead of taking one."""

from __future__ import annotations

from like_keras_core.lifecycle import HOOKS

_CURES = {
    "name": "its name in a system; hand it over: super().__init__(name=...)",
    "node": "where it runs; hand it over: super().__init__(node=...)",
    "every": "at which ticks it fires; hand it over: super().__init__(every=...)",
    "config": (
        "its own parameters; write them, with their defaults, in a dataclass called "
        "Config inside the class"
    ),
    "inputs": (
        "its input ports; they are the parameters of forward, and one that needs more "
        "is declared in the class: image = InputPort(...)"
    ),
    "outputs": (
        "its output ports; they are what forward returns, and one that needs more is "
        "declared in the class: boxes = OutputPort(...)"
    ),
    "lifecycle_state": "where it stands between construction and shutdown",
    "forward": (
        "what it computes, and its ports are read from it; write it as a method of the "
        "class, and call from it what varies"
    ),
}


def is_kept_from_classes(name: str) -> bool:
    """Say whether no class of a user may define a name."""
    if name.startswith("on_"):
        return name not in HOOKS
    return name in _CURES and name != "forward"


def is_kept_from_instances(name: str) -> bool:
    """Say whether a name belongs to methods, so that no `self.name = ...` may be."""
    return name == "forward" or name.startswith("on_")


def taken(cls: type, does: str, name: str) -> str:
    """Return what to say of a class that takes a name which is reserved.

    Args:
        cls: The class.
        does: What it does with the name: `"defines"`, `"assigns"`.
        name: The name.
    """
    who = f"{cls.__qualname__} {does} {name!r}"
    if name.startswith("on_"):
        return (
            f"{who}; names that begin with on_ are kept for the lifecycle hooks, which "
            f"are methods of the class: {', '.join(HOOKS)}. Choose another name."
        )
    return (
        f"{who}, which every component has already: {_CURES[name]}. For something of "
        "your own, choose another name."
    )
