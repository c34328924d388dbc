"""Quality of service: what a port says of it, and which two ends fit together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from like_keras_core.errors import nearest

RELIABILITIES = ("best_effort", "reliable")
DURABILITIES = ("volatile", "transient_local")


@dataclass(frozen=True, slots=True, kw_only=True)
class Qos:
    """A profile; the history is always "keep last".

    Args:
        reliability: `"reliable"` or `"best_effort"`.
        durability: `"volatile"`, or `"transient_local"` for who comes later.
        depth: How many messages are kept.
    """

    reliability: str = "reliable"
    durability: str = "volatile"
    depth: int = 10

    def __str__(self) -> str:
        return f"{self.reliability}, {self.durability}, keep last {self.depth}"


PROFILES: Mapping[str, Qos] = {
    "reliable": Qos(),
    "sensor_data": Qos(reliability="best_effort", depth=5),
    "latched": Qos(durability="transient_local", depth=1),
}
"""What can be chosen by name: ROS's default, its sensor data, and a map's."""

_KEYS: Mapping[str, tuple[str, ...]] = {
    "reliability": RELIABILITIES,
    "durability": DURABILITIES,
}


def read_qos(given: Any) -> Qos:
    """Return the profile that a port's option `qos` asks for.

    Raises:
        ValueError: It is not one; the message says what is expected.
    """
    if isinstance(given, str):
        if given in PROFILES:
            return PROFILES[given]
        raise ValueError(_unknown("qos", given, tuple(PROFILES)))
    if not isinstance(given, Mapping):
        raise ValueError(
            f"qos is one of {', '.join(PROFILES)}, or a dict such as "
            f"{{'reliability': 'best_effort', 'depth': 1}}; got {given!r:.80}."
        )
    for key, value in given.items():
        if key == "depth":
            if type(value) is not int or value < 1:
                raise ValueError(
                    f"depth is a number of messages, 1 or more; got {value!r:.80}."
                )
        elif key not in _KEYS:
            raise ValueError(_unknown("the key", key, (*_KEYS, "depth")))
        elif value not in _KEYS[key]:
            raise ValueError(_unknown(key, value, _KEYS[key]))
    return Qos(**given)


def mismatch(offered: Qos, requested: Qos) -> str | None:
    """Say why no data would flow between two ends; None where it would."""
    if offered.reliability == "best_effort" and requested.reliability == "reliable":
        return "a best-effort publisher never reaches a reliable subscription"
    if offered.durability == "volatile" and requested.durability == "transient_local":
        return "a volatile publisher never reaches a transient-local subscription"
    return None


def _unknown(what: str, given: object, known: tuple[str, ...]) -> str:
    near = nearest(str(given), known)
    cure = f" Did you mean {near!r}?" if near else ""
    return f"{what} {given!r:.80} is none of {', '.join(known)}.{cure}"
