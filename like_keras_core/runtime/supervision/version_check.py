"""Whether the processes of a run have the same like_keras, and the same system."""

from __future__ import annotations

from collections.abc import Mapping

from like_keras_core.errors import VersionMismatchError
from like_keras_core.runtime.control.protocol import Hello
from like_keras_core.runtime.control.run_plan import RunPlan


def check_same(plan: RunPlan, introductions: Mapping[str, Hello]) -> None:
    """Refuse processes that cannot run together.

    Args:
        plan: What is here.
        introductions: By node, what its process has.

    Raises:
        VersionMismatchError: One has something else.
    """
    different = {}
    for node, hello in introductions.items():
        for name, version in plan.versions.items():
            theirs = hello.versions.get(name, "none")
            if theirs != version:
                different[node] = f"it has {name} {theirs}, and {version} is here"
        if hello.system != plan.digest:
            different[node] = "what it has of the system is not what is here"
    if different:
        raise VersionMismatchError(different)
