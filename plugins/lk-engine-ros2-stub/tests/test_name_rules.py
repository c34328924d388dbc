"""Names: ROS 2's own rules and words, found without ROS."""

from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lk_engine_ros2_stub.name_rules import (
    Problem,
    message_type_problem,
    namespace_problem,
    node_name_problem,
    package_problem,
    token,
    topic_problem,
)

ODD = "must not contain characters other than alphanumerics or '_'"
TEXTS = st.text(st.sampled_from("aZ09_/-~{} é\n"), max_size=12) | st.text(max_size=12)
LONG = st.builds(lambda text, length: text + "a" * length, TEXTS, st.integers(235, 256))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "cam-1",
            (f"node name {ODD}:\n  'cam-1'\n      ^"),
        ),
        ("1cam", "node name must not start with a number:\n  '1cam'\n   ^"),
        ("", "node name must not be empty:\n  ''\n   ^"),
        (
            "a\n-",
            (f"node name {ODD}:\n  'a\\n-'\n    ^"),
        ),
    ],
)
def test_a_caret_stands_under_the_offending_character(name: str, text: str) -> None:
    """A refusal shows the name, and where it goes wrong."""
    assert str(node_name_problem(name)) == text


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("Arm_bringup", 0),
        ("arm-bringup", 3),
        ("arm__bringup", 4),
        ("arm_", 3),
        ("a", 0),
    ],
)
def test_a_package_name_follows_rep_144(name: str, index: int) -> None:
    """Lower case, single underscores inside, two characters or more."""
    problem = package_problem(name)

    assert problem is not None
    assert problem.index == index
    assert package_problem("arm_2_bringup") is None


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("sensor_msgs/Image", 12),
        ("sensor_msgs/msg/image", 16),
        ("sensor_msgs/msg/Image/x", 21),
        ("Sensor_msgs/msg/Image", 0),
        ("sensor_msgs", 11),
        ("", 0),
    ],
)
def test_a_message_type_is_package_msg_name(name: str, index: int) -> None:
    """The caret stands where the type stops being one."""
    problem = message_type_problem(name)

    assert problem is not None
    assert problem.index == index
    assert message_type_problem("sensor_msgs/msg/PointCloud2") is None


@given(st.text(max_size=20))
@example("")
@example("1")
@example("__a__b-_c__")
def test_whatever_is_made_into_a_token_is_one(name: str) -> None:
    """The result is a name in ROS, is not hidden, and stays as it is."""
    made = token(name)

    assert node_name_problem(made) is None
    assert not made.startswith("_")
    assert "__" not in made
    assert token(made) == made


@pytest.fixture(scope="module")
def rclpy() -> ModuleType:
    """ROS 2's own validators; CI has them by the extra `rclpy`."""
    found: ModuleType = pytest.importorskip(
        "rclpy", reason="needs rclpy: pip install 'lk-engine-ros2-stub[rclpy]'"
    )
    return found


def said_by_ros(validate: Callable[[str], object], name: str) -> tuple[str, int] | None:
    """Return the rule that ROS finds broken, and the byte at which."""
    from rclpy.exceptions import NameValidationException

    try:
        validate(name)
    except NameValidationException as error:
        text = str(error).partition(": ")[2]
        rule, caret = text.split(f":\n  '{name}'\n")
        return rule, len(caret.rstrip()) - len("   ^")
    return None


def agree(
    ours: Callable[[str], Problem | None], theirs: Callable[[str], object], name: str
) -> None:
    """Compare two verdicts on a name."""
    found, said = ours(name), said_by_ros(theirs, name)

    assert (found is None) == (said is None), (found, said)
    if found is None or said is None:
        return
    if "exceed" in said[0]:
        assert "exceed" in found.rule
    elif name.isascii():
        assert (f"{found.kind} {found.rule}", found.index) == said
    else:
        # ROS counts bytes.
        assert len(name[: found.index].encode()) == said[1]


NAMES = (TEXTS | LONG).filter(lambda name: "\0" not in name)
"""rcl ends a name at a zero byte, and never sees what follows."""


@pytest.mark.slow
@given(NAMES)
@example("//-")
@example("/a/1-")
@example("a" * 255)
@example("a" * 256)
def test_node_names_are_judged_as_ros_does(rclpy: ModuleType, name: str) -> None:
    """The same rule, in the same words, at the same character."""
    from rclpy.validate_node_name import validate_node_name

    agree(node_name_problem, validate_node_name, name)


@pytest.mark.slow
@given(NAMES.map(lambda name: name if len(name) % 3 else f"/{name}"))
@example("/")
@example("//1")
@example("/" + "a" * 244)
@example("/" + "a" * 245)
def test_namespaces_are_judged_as_ros_does(rclpy: ModuleType, name: str) -> None:
    """The same rule, in the same words, at the same character."""
    from rclpy.validate_namespace import validate_namespace

    agree(namespace_problem, validate_namespace, name)


@pytest.mark.slow
@given(NAMES.map(lambda name: name if len(name) % 3 else f"/{name}"))
@example("/")
@example("/a//1")
@example("/" + "a" * 246)
@example("/" + "a" * 247)
def test_topics_are_judged_as_ros_does(rclpy: ModuleType, name: str) -> None:
    """The same rule, in the same words, at the same character."""
    from rclpy.validate_full_topic_name import validate_full_topic_name

    agree(topic_problem, validate_full_topic_name, name)


def test_a_long_name_is_judged_at_once() -> None:
    """Whoever forgets the package's part waits for the answer no longer than others."""
    problem = message_type_problem("a" * 200)

    assert problem is not None
    assert package_problem("a" * 200 + "_") is not None
