"""`lk doctor`: what is wrong, how bad it is, and what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from like_keras_core.cli.diagnosis.machine import (
    clock_source,
    cores,
    descriptors,
    locked_memory,
    port_range,
    shared_memory,
)
from like_keras_core.cli.diagnosis.realtime import (
    frequency,
    isolation,
    kernel,
    memory,
    priority,
)
from like_keras_core.cli.engine_check.finding import Check

if TYPE_CHECKING:
    from tests.conftest import Site


def examine(site: Site, *words: str, **environment: str) -> tuple[int, dict[str, Any]]:
    done = site.lk("doctor", "--json", *words, **environment)
    assert done.stderr == ""
    data = json.loads(done.stdout)
    return done.returncode, {item["subject"]: item for item in data["checks"]}


def test_each_engine_and_plugin_has_a_result(site: Site) -> None:
    """What cannot be used fails; what was switched off or shadowed is a warning."""
    code, checks = examine(site)

    outcomes = {subject: check["outcome"] for subject, check in checks.items()}
    assert code == 1
    assert outcomes["like-keras-core"] == outcomes["Python"] == "PASS"
    assert outcomes["engine fine"] == outcomes["plug-in tracing"] == "PASS"
    assert outcomes["engine stale"] == outcomes["engine newer"] == "FAIL"
    assert outcomes["engine bad"] == "FAIL"
    assert outcomes["engine twin"] == outcomes["plug-in crashing"] == "WARN"


def test_all_is_imported_in_other_processes(site: Site) -> None:
    """An engine that raises on import fails; with --no-load that is not looked at."""
    _, static = examine(site, "--no-load", LK_PLUGINS_DISABLE="")
    _, loaded = examine(site, LK_PLUGINS_DISABLE="")

    for subject in ("engine crash", "engine wrong", "plug-in crashing"):
        assert static[subject]["outcome"] == "PASS"
        assert static[subject]["text"].endswith("not imported")
        assert loaded[subject]["outcome"] == "FAIL"
    assert "libcrash.so" in loaded["engine crash"]["text"]
    assert "compile(self)" in loaded["engine wrong"]["text"]
    assert loaded["engine fine"]["outcome"] == "PASS"
    assert loaded["plug-in rule"]["outcome"] == "PASS"


def test_warnings_alone_exit_with_0(site: Site) -> None:
    """With everything third-party switched off nothing is broken."""
    off = {"LK_ENGINES_DISABLE": "*,dora", "LK_PLUGINS_DISABLE": "*"}

    code, checks = examine(site, **off)

    assert code == 0
    assert checks["LK_ENGINES_DISABLE"]["outcome"] == "WARN"
    assert "pip install lk-engine-native" in checks["engines"]["text"]


def install(
    folder: Path, name: str, *lines: str, group: str = "", entry: str = ""
) -> None:
    """Lay out the metadata of a distribution, as an installation does."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    text = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *lines])
    (info / "METADATA").write_text(f"{text}\n")
    if group:
        (info / "entry_points.txt").write_text(f"[like_keras_core.{group}]\n{entry}\n")


def test_what_distributions_need_is_looked_for(site: Site, tmp_path: Path) -> None:
    """Installed, in a version that fits, with the requirements of requirements."""
    needs = (
        *("a-robot-library>=2", "lk-tracing>=99", "an-old-one; python_version<'3'"),
        *("a-middle[fast]>=1", "an-extra; extra == 'more'"),
    )
    install(
        tmp_path,
        "needy",
        *(f"Requires-Dist: {line}" for line in needs),
        "Requires-Python: >=4",
        group="engines",
        entry="needy = needy:Engine",
    )
    fast = "Requires-Dist: a-deep-one<3; extra == 'fast'"
    install(tmp_path, "a-middle", "Provides-Extra: fast", fast)
    (tmp_path / "needy.py").write_text("")

    code, checks = examine(site, "--no-load", PYTHONPATH=str(tmp_path))

    assert code == 1
    found = {key.removeprefix("needy: "): x["text"] for key, x in checks.items()}
    assert "pip install 'a-robot-library>=2'" in found["a-robot-library"]
    assert "1.0 is installed. pip install 'lk-tracing>=99'" in found["lk-tracing"]
    assert "a-middle needs a-deep-one<3, and it is not" in found["a-deep-one"]
    assert "needy is for Python >=4, and this is 3." in found["Python"]
    info = site.lk("engines", "info", "needy", PYTHONPATH=str(tmp_path))
    assert "pip install 'a-robot-library>=2'" in info.stdout
    for name in ("an-old-one", "an-extra", "a-middle"):
        assert f"needy: {name}" not in checks
    assert checks["lk-engine-fine: requirements"]["outcome"] == "PASS"


def test_what_is_needed_is_imported(site: Site, tmp_path: Path) -> None:
    """One that raises, one that ends its process, and the others all the same."""
    modules = {
        "raises": "raise OSError('libgone.so')",
        "ends": "import os; os._exit(3)",
        "works": "",
    }
    needs = [f"Requires-Dist: dist-{name}" for name in modules]
    install(tmp_path, "needy", *needs, group="engines", entry="needy = works:Engine")
    for name, text in modules.items():
        install(tmp_path, f"dist-{name}")
        record = tmp_path / f"dist_{name}-1.0.dist-info" / "RECORD"
        record.write_text(f"{name}.py,,\n../bin/lk-not-there,,\n")
        (tmp_path / f"{name}.py").write_text(text)

    _, checks = examine(site, PYTHONPATH=str(tmp_path))

    raises, ends = checks["import raises"]["text"], checks["import ends"]["text"]
    assert raises.startswith("dist-raises: OSError: libgone.so. pip install --force")
    assert "dist-ends: ended the process with 3" in ends
    assert "import works" not in checks
    assert "'lk-not-there' is not there" in checks["needy: lk-not-there"]["text"]


def test_an_installation_without_any_engine_is_broken(tmp_path: Path) -> None:
    """The line says what to begin with."""
    code = (
        "import sys; from like_keras_core.cli import doctor;"
        "doctor.find_engines = lambda: [];"
        "sys.exit(doctor.doctor_command(['--no-load', '--json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    found = {item["subject"]: item for item in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert found["engines"]["outcome"] == "FAIL"
    assert "pip install lk-engine-native" in found["engines"]["text"]


def test_the_machine_is_looked_at(site: Site) -> None:
    """Each line says how it is; none of them alone breaks anything."""
    _, checks = examine(site, "--no-load")

    for subject in ("/dev/shm", "locked memory", "file descriptors", "cores"):
        assert checks[subject]["outcome"] in ("PASS", "WARN")
    for subject in ("realtime rights", "realtime memory", "loopback", "multicast"):
        assert checks[subject]["text"]


@pytest.mark.parametrize(
    ("good", "bad", "cure"),
    [
        (shared_memory(2 << 30, 1 << 30), shared_memory(64 << 20, 60 << 20), "--shm"),
        (locked_memory(None), locked_memory(8 << 20), "--ulimit memlock=-1"),
        (locked_memory(4 << 30), locked_memory(0), "LimitMEMLOCK=infinity"),
        (descriptors(None), descriptors(256), "ulimit -n 4096"),
        (cores(4, None), cores(8, 1.0), "docker run --cpus"),
        (cores(4, 2.5), cores(1, None), "taskset"),
        (clock_source("tsc"), clock_source("hpet"), "tsc=reliable"),
        (priority(99), priority(0), "rtprio 99"),
        (priority(50), priority(49), "LimitRTPRIO=99"),
        (memory(None), memory(1 << 40), "ulimit -l"),
        (isolation([2, 3]), isolation([]), "isolcpus="),
        (kernel(True), kernel(False), "PREEMPT_RT"),
        (frequency({"performance"}), frequency({"performance", "powersave"}), "-g"),
        (port_range(32768, 60999), port_range(50000, 50100), "sysctl"),
    ],
)
def test_what_is_scarce_is_warned_of_with_the_cure(
    good: Check, bad: Check, cure: str
) -> None:
    """As it would stand in a shell, a container or a service."""
    assert good.outcome == "PASS"
    assert bad.outcome == "WARN"
    assert cure in bad.text


def test_the_table_says_that_something_failed(site: Site) -> None:
    """People get a line each, and a last one that sums up."""
    done = site.lk("doctor")

    assert done.stdout.startswith("RESULT")
    assert "FAIL    engine stale" in done.stdout
    assert done.stdout.endswith("see the lines with FAIL.\n")
