"""Packages of messages, generated and built as rosidl does, without colcon.

    python message_package.py FOLDER PACKAGE JSON [sent]

All of a package is one library: its messages' Python classes, and what rclpy needs to
send them. It needs a C++ compiler, and the generators that come with rclpy's wheels.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

DEPENDENCIES = ("builtin_interfaces", "std_msgs", "geometry_msgs")
NEEDED = ("rosidl_cli", "rosidl_generator_py", "rosidl_typesupport_fastrtps_c")

TF2 = {"TFMessage": "geometry_msgs/TransformStamped[] transforms\n"}
"""All of `tf2_msgs` that transforms need; there is no wheel of it."""


def missing() -> str | None:
    """Return what is missing; None where packages can be built."""
    for name in NEEDED:
        if importlib.util.find_spec(name) is None:
            return name
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.is_file():
        return str(header)
    return None if shutil.which("g++") else "g++"


def run_build(
    folder: Path, package: str, messages: dict[str, str], *, is_sent: bool
) -> None:
    """Make a package of messages that can be imported from a folder.

    Args:
        folder: Where it is made.
        package: Its name.
        messages: Their definitions, by their names.
        is_sent: Whether rclpy shall be able to send them.
    """
    words = [str(folder), package, json.dumps(messages), *["sent"] * is_sent]
    subprocess.run([sys.executable, __file__, *words], check=True, timeout=300)


def build(
    folder: Path, package: str, messages: dict[str, str], *, is_sent: bool
) -> None:
    """Do what `run_build` says, in this process."""
    out = folder / package
    (folder / "source" / package / "msg").mkdir(parents=True)
    for name, text in messages.items():
        (folder / "source" / package / "msg" / f"{name}.msg").write_text(text)
    _generate(package, folder / "source" / package, sorted(messages), out)
    (out / "__init__.py").write_text("")
    if is_sent:
        _compile(package, out)


def _generate(package: str, source: Path, names: list[str], out: Path) -> None:
    from rosidl_cli.command.translate.api import translate
    from rosidl_generator_c.cli import GenerateC
    from rosidl_generator_py.cli import GeneratePython
    from rosidl_typesupport_c.cli import GenerateCTypesupport
    from rosidl_typesupport_fastrtps_c.cli import GenerateFastRTPSCTypesupport

    share = [str(Path(sys.prefix, "share", name)) for name in DEPENDENCIES]
    idl = translate(
        package_name=package,
        interface_files=[f"{source}:msg/{name}.msg" for name in names],
        include_paths=share,
        output_format="idl",
        output_path=source / "idl",
    )
    fast = "rosidl_typesupport_fastrtps_c"
    common = "rosidl_typesupport_c"
    generators: list[Any] = [
        GenerateC("c"),
        GenerateFastRTPSCTypesupport("fastrtps_c"),
        GenerateCTypesupport("c", typesupport_implementations=[fast]),
        GeneratePython("py", typesupport_implementations=[common]),
    ]
    for generator in generators:
        generator.generate(package, list(map(str, idl)), share, out)


def _compile(package: str, out: Path) -> None:
    import numpy as np

    prefix = Path(sys.prefix)
    includes = [
        out.parent,
        prefix / "include",
        sysconfig.get_path("include"),
        np.get_include(),
    ]
    includes += [path for path in (prefix / "include").iterdir() if path.is_dir()]
    flags = ["-O0", "-w", "-fPIC", *(f"-I{path}" for path in includes)]
    sources = sorted([*out.rglob("*.c"), *out.rglob("*.cpp")])
    running = []
    for n, path in enumerate(sources):
        compiler = ["g++", "-std=c++17"] if path.suffix == ".cpp" else ["gcc"]
        target = out / f"{n}.o"
        running.append(
            subprocess.Popen([*compiler, *flags, "-c", str(path), "-o", str(target)])
        )
    assert not [item.args for item in running if item.wait(timeout=300)]
    libraries = [
        f"{name}__{kind}"
        for name in DEPENDENCIES
        for kind in (
            "rosidl_generator_c",
            "rosidl_generator_py",
            "rosidl_typesupport_c",
            "rosidl_typesupport_fastrtps_c",
        )
    ]
    libraries += ["rosidl_runtime_c", "rosidl_typesupport_c", "rcutils", "fastcdr"]
    libraries += ["rosidl_typesupport_fastrtps_c", "rosidl_typesupport_fastrtps_cpp"]
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    library = out / f"{package}_s__rosidl_typesupport_c{suffix}"
    subprocess.run(
        [
            *("g++", "-shared", "-o", str(library)),
            *map(str, sorted(out.glob("*.o"))),
            f"-L{prefix / 'lib'}",
            f"-Wl,-rpath,{prefix / 'lib'}",
            *(f"-l{name}" for name in libraries),
        ],
        check=True,
        timeout=300,
    )


if __name__ == "__main__":
    os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
    where, name, texts, *rest = sys.argv[1:]
    build(Path(where).resolve(), name, json.loads(texts), is_sent=bool(rest))
