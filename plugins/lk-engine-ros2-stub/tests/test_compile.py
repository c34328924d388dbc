"""What `compile` writes: read by ROS engineers, the same each time; no ROS needed."""

import ast
import configparser
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml
from ros_parts import (  # type: ignore[import-not-found]
    SYSTEMS,
    Arm,
    Camera,
    Joints,
    arguments,
    machines,
    two_nodes,
)

from like_keras_core import Component, EngineError, LkWarning, Node, System
from like_keras_core.spec import SystemSpec
from like_keras_core.testing.components import Count, Scale
from lk_engine_ros2_stub import RosTopic
from lk_engine_ros2_stub.colcon_package import files_of
from lk_engine_ros2_stub.name_rules import package_problem

GOLDEN = Path(__file__).with_name("golden")
Make = Callable[[], System]

by_name = pytest.mark.parametrize("make", SYSTEMS, ids=lambda make: make.__name__)


# Names that ROS does not take are the golden systems' own.
pytestmark = pytest.mark.filterwarnings("ignore::like_keras_core.errors.LkWarning")


def shown(spec: SystemSpec) -> str:
    """Return the workspace as one text, without the system that it carries."""
    files = files_of(spec)
    shown = {path: text for path, text in files.items() if path[-5:] != ".json"}
    return "".join(f"=== {path}\n{text}" for path, text in shown.items())


def compiled(system: System, folder: Path) -> dict[str, str]:
    """Compile, and return every file by path."""
    system.compile(engine="ros2", build_dir=folder)
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@by_name
def test_the_workspace_is_the_golden_one(make: Make) -> None:
    """To renew the files: LK_GOLDEN=write pytest."""
    golden = GOLDEN / f"{make.__name__}.txt"
    text = shown(make().to_spec())
    if os.environ.get("LK_GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)

    assert text == golden.read_text()


@by_name
def test_python_is_python_and_names_only_what_it_imports(make: Make) -> None:
    """Every name that a module reads is defined in it, or is a builtin."""
    import builtins

    for path, text in files_of(make().to_spec()).items():
        if not path.endswith(".py"):
            continue
        nodes = list(ast.walk(ast.parse(text)))
        names = [node for node in nodes if isinstance(node, ast.Name)]
        known = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        for node in nodes:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                known |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.FunctionDef):
                known |= {node.name, *(arg.arg for arg in node.args.args)}
        unknown = {node.id for node in names} - known - {*vars(builtins), "__file__"}
        assert not unknown, path
        assert max(map(len, text.splitlines()), default=0) <= 88


@by_name
def test_the_manifest_is_valid(make: Make, tmp_path: Path) -> None:
    """ROS's own reader of package.xml has nothing to say against it."""
    from catkin_pkg.package import parse_package

    (path,) = (p for p in compiled(make(), tmp_path) if p.endswith("package.xml"))
    package = parse_package(str(tmp_path / path))
    package.validate()

    assert package_problem(package.name) is None
    assert package.get_build_type() == "ament_python"
    assert Path(path).parent.name == package.name


def test_the_manifest_names_the_packages_of_messages() -> None:
    """Those of ports that others read, and of topics of others."""
    camera, joints = Camera(node=Node("eye")), Joints(node=Node("arm"))
    sink = RosTopic("pose", "geometry_msgs/msg/Pose", "/pose", "sink")
    sink(joints())
    files = files_of(System([camera, joints, sink], name="robot").to_spec())

    text = files["src/robot_bringup/package.xml"]
    packages = re.findall(r"<exec_depend>(\w+_msgs)</exec_depend>", text)
    assert packages == ["geometry_msgs", "sensor_msgs", "std_msgs"]


def test_the_executables_go_where_ros2_run_looks(tmp_path: Path) -> None:
    """lib/<package>, with the Python of the active environment."""
    files = compiled(two_nodes(), tmp_path)
    config = configparser.ConfigParser()
    config.read_string(files["src/two_nodes_bringup/setup.cfg"])

    assert config["develop"]["script_dir"] == "$base/lib/two_nodes_bringup"
    assert config["install"]["install_scripts"] == "$base/lib/two_nodes_bringup"
    assert config["build_scripts"]["executable"] == "/usr/bin/env python3"


def test_setup_installs_all_that_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data files, the system beside the modules, and an executable for each node."""
    import setuptools

    compiled(two_nodes(), tmp_path)
    monkeypatch.chdir(tmp_path / "src" / "two_nodes_bringup")
    seen: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", seen.update)

    exec(compile(Path("setup.py").read_text(), "setup.py", "exec"), {})

    package = "two_nodes_bringup"
    assert seen["packages"] == [package]
    assert seen["package_data"] == {package: ["system.json"]}
    assert dict(seen["data_files"]) == {
        "share/ament_index/resource_index/packages": [f"resource/{package}"],
        f"share/{package}": ["package.xml"],
        f"share/{package}/config": ["config/params.yaml"],
        f"share/{package}/launch": ["launch/two_nodes.launch.py"],
    }
    assert seen["entry_points"]["console_scripts"] == [
        f"sensors = {package}.sensors_node:main",
        f"planning = {package}.planning_node:main",
    ]
    for paths in dict(seen["data_files"]).values():
        assert all(map(os.path.isfile, paths))


def test_parameters_have_the_type_that_they_were_made_with() -> None:
    """YAML readers find the same values, under the fully qualified names."""
    text = files_of(arguments().to_spec())["src/arguments_bringup/config/params.yaml"]
    found = yaml.safe_load(text)

    assert found["/**/hub"] == {"ros__parameters": {"count": {"start": 2}}}
    arm = found["/**/arm"]["ros__parameters"]["arm"]
    assert arm == {
        "size": 7,
        "config": {
            "gains": [1.0, 2.5],
            "joints": ["on", "b c"],
            "limits": {"low": 1e-7},
            "mode": "NIGHT",
        },
    }
    assert "#   arm.table (an empty list)" in text
    assert "#   arm.config.extra (a value of kind array)" in text


@pytest.mark.parametrize(
    "value",
    [
        *(True, 2**53 + 1, -3, 2.0, 1e300, 1e-9, 5e-324, -2.5e-310, float("-inf")),
        *("", "1e3", "no", "é\n#:", "a\x85b\u2028c\ufeff", "\x7f😀"),
    ],
)
def test_a_parameter_comes_back_as_it_was(value: Any) -> None:
    """Whatever a text looks like, it stays a text."""
    arm = Arm(table=value, node=Node("a"))
    files = files_of(System([Count(), arm], name="r").to_spec())
    found = yaml.safe_load(files["src/r_bringup/config/params.yaml"])
    held = found["/**/a"]["ros__parameters"]["arm"]["table"]

    assert held == value
    assert type(held) is type(value)


@pytest.mark.parametrize("value", [[Path("a")], [(1, 2)], [None], {"a-b": 1}, [2**70]])
def test_what_would_come_back_as_something_else_is_no_parameter(value: Any) -> None:
    """A path in a list would be a text; it stays in the system's file."""
    arm = Arm(1, table=value, node=Node("a"))
    files = files_of(System([Count(), arm], name="r").to_spec())
    text = files["src/r_bringup/config/params.yaml"]

    assert "table" not in yaml.safe_load(text)["/**/a"]["ros__parameters"]["arm"]
    assert "#   arm.table" in text


def launch_description(text: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Run a launch file with stand-ins for `launch`, which has no wheel."""

    def record(name: str) -> Any:
        return lambda *args, **kwargs: (name, args, kwargs)

    modules = {
        "launch": ["LaunchDescription"],
        "launch.actions": ["DeclareLaunchArgument", "SetEnvironmentVariable"],
        "launch.substitutions": [
            "EnvironmentVariable",
            "LaunchConfiguration",
            "PathJoinSubstitution",
        ],
        "launch_ros": [],
        "launch_ros.actions": ["Node"],
        "launch_ros.substitutions": ["FindPackageShare"],
    }
    for name, members in modules.items():
        module = ModuleType(name)
        for member in members:
            setattr(module, member, record(member))
        monkeypatch.setitem(sys.modules, name, module)
    names: dict[str, Any] = {}
    exec(compile(text, "x.launch.py", "exec"), names)
    _, (entities,), _ = names["generate_launch_description"]()
    return list(entities)


def test_a_launch_file_starts_each_node_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under its own name in the system's namespace, with its parameters."""
    files = files_of(two_nodes().to_spec())
    text = files["src/two_nodes_bringup/launch/two_nodes.launch.py"]
    entities = launch_description(text, monkeypatch)
    nodes = [kwargs for name, _, kwargs in entities if name == "Node"]
    arguments = [args[0] for name, args, _ in entities if "Declare" in name]
    ends = {node.pop("on_exit") for node in nodes}
    launch, again = (node.pop("additional_env") for node in nodes)

    assert launch == again
    assert launch["LK_LAUNCH_PID"] == str(os.getpid())
    assert len(launch["LK_TOKEN"]) == 32
    (end_all,) = ends
    end_all(SimpleNamespace(process_name="sensors-1", returncode=0), None)
    with pytest.raises(RuntimeError, match="sensors-1 ended with exit code 3"):
        end_all(SimpleNamespace(process_name="sensors-1", returncode=3), None)
    assert arguments == [
        *("params_file", "iterations", "namespace", "use_sim_time", "rate_hz"),
        *("control", "log_level"),
    ]
    assert nodes == [
        {
            "package": "two_nodes_bringup",
            "executable": name,
            "name": name,
            "namespace": ("LaunchConfiguration", ("namespace",), {}),
            "parameters": [
                ("LaunchConfiguration", ("params_file",), {}),
                {"use_sim_time": ("LaunchConfiguration", ("use_sim_time",), {})},
            ],
            "ros_arguments": [
                "--log-level",
                ("LaunchConfiguration", ("log_level",), {}),
            ],
            "output": "screen",
        }
        for name in ("sensors", "planning")
    ]
    assert (
        "SetEnvironmentVariable",
        ("LK_ITERATIONS", ("LaunchConfiguration", ("iterations",), {})),
        {},
    ) in entities


def test_each_machine_has_a_launch_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ROS starts nothing elsewhere: each file has the nodes of its machine."""
    files = compiled(machines(), tmp_path)
    launch = "src/fleet_a_bringup/launch"
    found = {
        Path(path).name: launch_description(text, monkeypatch)
        for path, text in files.items()
        if path.startswith(launch)
    }
    nodes = {
        name: [kwargs for kind, _, kwargs in entities if kind == "Node"]
        for name, entities in found.items()
    }

    assert {name: [node["name"] for node in each] for name, each in nodes.items()} == {
        "Fleet_A.jetson.launch.py": ["eye_1"],
        "Fleet_A.local.launch.py": ["desk"],
        "Fleet_A.192.168.1.11.launch.py": ["arm"],
    }
    assert nodes["Fleet_A.jetson.launch.py"][0]["prefix"] == "gdb -ex run --args"
    assert nodes["Fleet_A.local.launch.py"][0]["additional_env"] == {
        "LK_LAUNCH_PID": str(os.getpid()),
        "MODE": "a 'quoted' word",
        "LEVEL": "3",
    }


def test_compile_returns_the_launch_file(tmp_path: Path) -> None:
    """The one of the first node's machine."""
    path = two_nodes().compile(engine="ros2", build_dir=tmp_path)

    assert path == tmp_path / "src/two_nodes_bringup/launch/two_nodes.launch.py"


def test_what_is_not_written_again_goes(tmp_path: Path) -> None:
    """Files of an older system do not stay behind; those of people do."""
    compiled(machines(), tmp_path)
    mine = tmp_path / "src" / "fleet_a_bringup" / "NOTES.md"
    mine.write_text("mine")

    files = compiled(two_nodes(), tmp_path)

    others = [path for path in files if path.startswith("src/fleet_a")]
    assert others == ["src/fleet_a_bringup/NOTES.md"]
    assert mine.read_text() == "mine"


def test_an_edited_file_of_parameters_stays(tmp_path: Path) -> None:
    """What would be new in it is written beside, and said once."""
    compiled(System([Count(1), Scale()], name="r"), tmp_path)
    params = tmp_path / "src/r_bringup/config/params.yaml"
    edited = params.read_text().replace("start: 1", "start: 5")
    params.write_text(edited)

    compiled(System([Count(1), Scale()], name="r"), tmp_path)
    beside = params.with_name("params.yaml.new")
    assert params.read_text() == edited
    assert not beside.exists()

    with pytest.warns(LkWarning, match=r"params.yaml' was edited and stays"):
        compiled(System([Count(2), Scale()], name="r"), tmp_path)
    compiled(System([Count(2), Scale()], name="r"), tmp_path)
    assert params.read_text() == edited
    assert "start: 2" in beside.read_text()

    params.unlink()
    compiled(System([Count(3), Scale()], name="r"), tmp_path)
    assert "start: 3" in params.read_text()
    assert not beside.exists()


def test_a_file_of_parameters_that_nobody_edited_is_replaced(tmp_path: Path) -> None:
    """Nothing is left beside it."""
    for start in (1, 2):
        compiled(System([Count(start), Scale()], name="r"), tmp_path)

    config = tmp_path / "src/r_bringup/config"
    assert [path.name for path in config.iterdir()] == ["params.yaml"]
    assert "start: 2" in (config / "params.yaml").read_text()


def test_remappings_of_a_node_are_in_the_launch_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As pairs, as a ROS engineer writes them."""
    eye = Node("eye", remappings=[("count/output", "/numbers")])
    files = files_of(System([Count(node=eye)], name="r").to_spec())
    text = files["src/r_bringup/launch/r.launch.py"]
    (node,) = [x for name, _, x in launch_description(text, monkeypatch) if "N" in name]

    assert node["remappings"] == [("count/output", "/numbers")]


def test_a_list_of_files_that_was_tampered_with_harms_nothing(tmp_path: Path) -> None:
    """Only what lies in src/ is ever removed."""
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "precious").write_text("mine")
    (out / "precious").write_text("mine")
    (out / "compiled.json").write_text('["src/../../precious", "precious", 3]')

    compiled(two_nodes(), out)

    assert (tmp_path / "precious").exists()
    assert (out / "precious").exists()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """A folder in the workspace that is one is refused, and named."""
    mine, out = tmp_path / "mine", tmp_path / "out"
    mine.mkdir()
    out.mkdir()
    (out / "src").symlink_to(mine)

    with pytest.raises(EngineError, match="src' is a symbolic link"):
        compiled(two_nodes(), out)

    assert list(mine.iterdir()) == []


def test_the_same_system_compiles_to_the_same_bytes(tmp_path: Path) -> None:
    """Whatever the seed of hashes, and wherever it is written."""
    code = textwrap.dedent(
        """
        import sys, warnings
        warnings.simplefilter("ignore")
        from ros_parts import SYSTEMS
        for make in SYSTEMS:
            make().compile(engine="ros2", build_dir=f"{sys.argv[1]}/{make.__name__}")
        """
    )
    found = []
    for seed in ("0", "1", "4711"):
        folder = tmp_path / seed
        env = os.environ | {
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": str(Path(__file__).parent),
        }
        subprocess.run(
            [sys.executable, "-c", code, folder], env=env, check=True, timeout=60
        )
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        found.append([(str(f.relative_to(folder)), f.read_bytes()) for f in files])

    assert found[0] == found[1] == found[2]
    assert len(found[0]) > 50


def test_hostile_names_stay_inside_their_quotes() -> None:
    """A machine or a variable may hold what would end a Python text."""
    quote = 'x"""; raise SystemExit #\\'
    a = Node("a", machine=quote, env={"V": quote}, prefix=quote)
    parts: list[Component] = [Count(node=a), Scale(node=Node("b"))]

    for path, text in files_of(System(parts, name="r").to_spec()).items():
        if path.endswith(".py"):
            tree = ast.parse(text)
            raised = [x.exc for x in ast.walk(tree) if isinstance(x, ast.Raise)]
            assert not any("SystemExit" in ast.dump(x) for x in raised if x)
            assert quote not in (ast.get_docstring(tree) or "")
