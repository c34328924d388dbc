"""Stands in for `ros2 launch`, which has no wheel: finds, starts and prints as it does.

What it takes from the launch file is what `launch_ros` takes from it.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import ModuleType, SimpleNamespace
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


class Launch:
    """The processes of a launch, and its exit code."""

    def __init__(self, told: dict[str, str], namespace: str) -> None:
        self.told, self.namespace = told, namespace
        self.code = 0
        self.processes: list[subprocess.Popen[str]] = []

    def end(self, *_: object) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGINT)

    def run(self, name: str, node: Node) -> None:
        """Start a node's process, and print its lines with its name before them."""
        told = node.options
        package, executable = told["package"], told["executable"]
        params = find(package, "share", package, "config", "params.yaml")
        level = self.told.get("log_level", "info")
        command = [str(find(package, "lib", package, executable))]
        command += ["--ros-args", "--log-level", level, "--ros-args"]
        command += [
            "-r",
            f"__node:={told['name']}",
            "-r",
            f"__ns:=/{self.namespace}",
        ]
        command += ["--params-file", str(params)]
        count = self.told.get("iterations", os.environ.get("LK_ITERATIONS", ""))
        process = subprocess.Popen(
            command,
            env=os.environ | {"LK_ITERATIONS": count} | told["additional_env"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.processes.append(process)
        say(f"[INFO] [{name}]: process started with pid [{process.pid}]")
        assert process.stdout is not None
        for line in process.stdout:
            say(f"[{name}] {line.rstrip()}")
        code = process.wait()
        words = f"exit code {code}, cmd '{' '.join(command)}'"
        ended = f"died [pid {process.pid}, {words}]."
        if code == 0:
            ended = f"finished cleanly [pid {process.pid}]"
        say(f"[{'ERROR' if code else 'INFO'}] [{name}]: process has {ended}")
        try:
            told["on_exit"](SimpleNamespace(process_name=name, returncode=code), None)
        except RuntimeError as error:
            # Whatever an event handler raises ends the launch, with exit code 1.
            say(f"[ERROR] [launch]: Caught exception in launch: {error}")
            self.code = 1
            with suppress(ProcessLookupError):
                self.end()


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    verb, *words = sys.argv[1:]
    assert verb == "launch"
    told = dict(word.split(":=", 1) for word in words if ":=" in word)
    package, file = (x for x in words if ":=" not in x and x != "--noninteractive")
    path = find(package, "share", package, "launch", file)
    stand_in()
    space: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), space)
    (items,) = space["generate_launch_description"]().words
    nodes = [item for item in items if isinstance(item, Node)]
    launch = Launch(told, namespace_of(items))
    signal.signal(signal.SIGINT, launch.end)
    threads = [
        threading.Thread(
            target=launch.run, args=[f"{node.options['executable']}-{n}", node]
        )
        for n, node in enumerate(nodes, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit(launch.code)


if __name__ == "__main__":
    main()
