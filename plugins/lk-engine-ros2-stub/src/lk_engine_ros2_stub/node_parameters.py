"""The parameters of a ROS node: declared once, and read-only while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from like_keras_core.errors import LkError
from lk_engine_ros2_stub.constructor_defaults import About

_ROS_OWN = ("use_sim_time", "start_type_description_service", "qos_overrides.")
"""How the names begin that rclpy declares, when it comes to them."""

_INT64 = 2**63


class NodeParameters:
    """Declares the parameters of a node.

    Args:
        node: The node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        node.add_on_set_parameters_callback(_refuse)

    @property
    def _given(self) -> Mapping[str, Any]:
        """What a command line and files of parameters have set."""
        return getattr(self._node, "_parameter_overrides", {})

    def check(self, name: str, default: Any) -> None:
        """Refuse a value of another type than the default's.

        Raises:
            LkError: It is one.
        """
        given = self._given.get(name)
        if given is None:
            return
        expected = Parameter.Type.from_parameter_value(default)
        if given.type_ != expected:
            raise LkError(self._of_another_type(name, default, given.type_, expected))

    def declare(self, name: str, default: Any, about: About) -> Any:
        """Declare a parameter; return the value that it was started with.

        Raises:
            LkError: It has another type than the default, or is out of range.
        """
        self.check(name, default) if default is not None else None
        descriptor = ParameterDescriptor(
            name=name,
            description=about.text,
            read_only=True,
            dynamic_typing=default is None,
            **_ranges(default, about),
        )
        try:
            value = self._node.declare_parameter(name, default, descriptor).value
        except InvalidParameterTypeException as error:
            raise LkError(f"{self._where(name)} must keep its type: {error}") from None
        except InvalidParameterValueException as error:
            raise LkError(f"{self._where(name)} cannot be that: {error}") from None
        is_array = not isinstance(value, (str, bytes)) and hasattr(value, "__len__")
        return list(value) if is_array else value

    def undeclared(self) -> Sequence[str]:
        """Return the parameters that were set, and that nothing has declared."""
        return [
            name
            for name in self._given
            if not self._node.has_parameter(name) and not name.startswith(_ROS_OWN)
        ]

    def _where(self, name: str) -> str:
        return f"The parameter {name!r} of {self._node.get_fully_qualified_name()}"

    def _of_another_type(
        self, name: str, default: Any, given: Parameter.Type, expected: Parameter.Type
    ) -> str:
        return (
            f"{self._where(name)} was compiled as {default!r}, and must keep its type: "
            f"expected {expected.name}, got {given.name}. In ROS, 2.0 is a double and "
            "2 is an integer."
        )


def _ranges(default: Any, about: About) -> dict[str, Any]:
    """Return the range of a number, as a descriptor has it."""
    least, most = about.least, about.most
    if (least is None and most is None) or isinstance(default, bool):
        return {}
    if isinstance(default, float):
        low = float("-inf") if least is None else float(least)
        high = float("inf") if most is None else float(most)
        limits = FloatingPointRange(from_value=low, to_value=high, step=0.0)
        return {"floating_point_range": [limits]}
    if isinstance(default, int):
        low = -_INT64 if least is None else int(least)
        high = _INT64 - 1 if most is None else int(most)
        # A step of 0 stands for any; rclpy takes none of less than 1.
        limits = IntegerRange(from_value=low, to_value=high, step=1)
        return {"integer_range": [limits]}
    return {}


def _refuse(changes: Sequence[Any]) -> SetParametersResult:
    """Refuse what would change nothing: the pace was fixed when the run began."""
    if any(item.name == "use_sim_time" for item in changes):
        return SetParametersResult(
            successful=False,
            reason="use_sim_time counts from the start of the node; start it with "
            "-p use_sim_time:=true",
        )
    return SetParametersResult(successful=True)
