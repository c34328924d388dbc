"""Stands in for `ros2 launch`, which has no wheel: finds, starts and prints as it does.

What it takes from the launch file is what `launch_ros` takes from it.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any


class Told:
    """Any action or substitution of a launch file: what it was made with."""

    def __init__(self, *words: Any, **options: Any) -> None:
        self.words, self.options = words, options


class Node(Told):
    pass


class LaunchDescription(Told):
    pass


def stand_in() -> None:
    """Have modules that a launch file can import."""
    names = ["launch", "launch.actions", "launch.substitutions"]
    names += ["launch_ros", "launch_ros.actions", "launch_ros.substitutions"]
    for name in names:
        module = sys.modules[name] = ModuleType(name)
        vars(module)["__getattr__"] = lambda attribute: Told
    vars(sys.modules["launch"])["LaunchDescription"] = LaunchDescription
    vars(sys.modules["launch_ros.actions"])["Node"] = Node


def find(package: str, *parts: str) -> Path:
    """Return a file of a package as ament's index leads to it."""
    for prefix in os.environ["AMENT_PREFIX_PATH"].split(os.pathsep):
        index = Path(prefix, "share/ament_index/resource_index/packages", package)
        if index.exists():
            return Path(prefix, *parts)
    raise SystemExit(f"Package '{package}' not found")


def namespace_of(items: list[Told]) -> str:
    """Return what the launch argument for it is by default."""
    (found,) = (item for item in items if item.words[:1] == ("namespace",))
    return str(found.options["default_value"])


def run(name: str, node: Node, level: str, namespace: str) -> None:
    """Start a node's process, and print its lines with its name before them."""
    told = node.options
    package, executable = told["package"], told["executable"]
    params = find(package, "share", package, "config", "params.yaml")
    command = [str(find(package, "lib", package, executable))]
    command += ["--ros-args", "--log-level", level, "--ros-args"]
    command += ["-r", f"__node:={told['name']}", "-r", f"__ns:=/{namespace}"]
    command += ["--params-file", str(params)]
    process = subprocess.Popen(
        command,
        env=os.environ | told.get("additional_env", {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    say(f"[INFO] [{name}]: process started with pid [{process.pid}]")
    assert process.stdout is not None
    for line in process.stdout:
        say(f"[{name}] {line.rstrip()}")
    code = process.wait()
    ended = f"died [pid {process.pid}, exit code {code}, cmd '{' '.join(command)}']."
    if code == 0:
        ended = f"finished cleanly [pid {process.pid}]"
    say(f"[{'ERROR' if code else 'INFO'}] [{name}]: process has {ended}")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    verb, flag, package, file, level = sys.argv[1:]
    assert (verb, flag) == ("launch", "--noninteractive")
    assert level.startswith("log_level:=")
    path = find(package, "share", package, "launch", file)
    stand_in()
    space: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), space)
    (items,) = space["generate_launch_description"]().words
    nodes = [item for item in items if isinstance(item, Node)]
    threads = [
        threading.Thread(
            target=run,
            args=[
                f"{node.options['executable']}-{n}",
                node,
                level.partition(":=")[2],
                namespace_of(items),
            ],
        )
        for n, node in enumerate(nodes, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
