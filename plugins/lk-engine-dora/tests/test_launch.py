"""Launches on this machine: what comes out, what appears, and what is left."""

import logging
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dora_parts import (  # type: ignore[import-not-found]
    Follow,
    Hold,
    Numbers,
    Prints,
    Where,
)
from engine_systems import (  # type: ignore[import-not-found]
    diamond,
    loop,
    outcome,
)
from payloads import Echo, Lists, Payloads, Spoils  # type: ignore[import-not-found]

from like_keras_core import ComponentError, Node, System
from like_keras_core.errors import (
    EngineError,
    EngineOptionError,
    LaunchTimeoutError,
    LkWarning,
)
from like_keras_core.testing import same
from like_keras_core.testing.components import Count, Odd, Scale
from lk_engine_dora import DoraEngine
from lk_engine_dora.dataflow import SMALLEST_POOL
from lk_engine_dora.memory_pools import WISHED, raise_pools

pytestmark = [pytest.mark.usefixtures("launches"), pytest.mark.timeout(60)]


def held() -> System:
    """Return two sources of unequal pace, and who holds the slower one."""
    fast, slow = Count(node=Node("a")), Count(name="slow", node=Node("b"))
    slow.every = 3
    hold = Hold(node=Node("c"))
    hold(slow=slow(), fast=fast())
    return System([fast, slow, hold])


def payloads() -> System:
    """Return nothing, one byte, ten megabytes, NaN, strided arrays, any text."""
    return System([Payloads(node=Node("a")), Echo(node=Node("b"))])


def pair(**options: Any) -> System:
    """Return a source and its reader, each on a node of its own."""
    return System([Count(node=Node("a")), Scale(node=Node("b"), **options)])


@pytest.mark.parametrize(
    ("make", "iterations", "window"),
    [
        (diamond, 50, None),
        (diamond, 50, 1),
        (lambda: diamond(limit=7), None, None),
        (lambda: diamond(tick=10), 50, None),
        (loop, 20, None),
        (loop, 20, 1),
        (held, 30, None),
        (payloads, 6, None),
        (payloads, 6, 1),
        (lambda: System([Count(), Scale()]), 0, None),
        (lambda: System([Count(), Scale(), Odd()]), 20, None),
    ],
    ids=[
        *("diamond", "diamond-1", "end-of-stream", "error", "loop", "loop-1", "hold"),
        *("payloads", "payloads-1", "no-tick", "one-node"),
    ],
)
def test_processes_give_what_one_process_gives(
    make: Callable[[], System], iterations: int | None, window: int | None
) -> None:
    """Records, counts, messages, and the end."""
    expected = outcome(make(), "native", iterations=iterations)

    found = outcome(make(), "dora", iterations=iterations, window=window)

    assert same(found, expected)


def test_a_component_that_raises_is_named() -> None:
    """Its own traceback and the report so far come home."""
    with pytest.raises(ComponentError, match="'fail' on node 'b'") as caught:
        diamond(tick=10).launch(50, engine="dora", record="all")

    assert "Traceback" in caught.value.traceback
    assert caught.value.report is not None
    assert caught.value.report.records["fail.output"] == [(n, 2 * n) for n in range(5)]


def test_what_components_print_and_log_appears_once(
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    """Lines with who printed them, records as records; the node's file has both."""
    with caplog.at_level(logging.INFO, "like_keras"):
        System([Count(node=Node("a")), Prints(node=Node("b"))]).launch(3, engine="dora")

    printed = capfd.readouterr().out.splitlines()
    assert [line for line in printed if "printed" in line] == [
        f"[b: prints] printed {n} ä" for n in range(3)
    ]
    assert [line for line in printed if "stderr" in line] == [
        f"[b: prints] to stderr {n}" for n in range(3)
    ]
    assert not [line for line in printed if "logged" in line]
    records = [item for item in caplog.records if item.name == "like_keras.prints"]
    assert [item.getMessage() for item in records] == [
        f"[prints @ {n}] logged {n}" for n in range(3)
    ]
    logs = tmp_path / ".lk_build" / "dora" / "logs"
    assert sorted(path.name for path in logs.iterdir()) == [
        "a.log",
        "b.log",
        "dora.out",
    ]
    text = (logs / "b.log").read_text()
    assert text.count("printed 1 ä") == text.count("to stderr 1") == 1
    assert text.count("WARNING like_keras.prints: [prints @ 1] logged 1") == 1
    assert re.match(r"\d\d:\d\d:\d\d\.\d\d\d ", text)


def test_all_files_are_in_the_build_folder(tmp_path: Path) -> None:
    """The launch's own dataflow, the logs, and what dora keeps."""
    pair().launch(2, engine="dora")

    assert sorted(path.name for path in tmp_path.iterdir()) == [".lk_build", "home"]
    build = tmp_path / ".lk_build" / "dora"
    assert {"dataflow.yaml", "launch.yaml", "system.json", "logs"} <= {
        path.name for path in build.iterdir()
    }


def test_components_work_where_the_launch_does(tmp_path: Path) -> None:
    """A file that they name is found as natively."""
    report = System([Where(node=Node("a"))]).launch(1, engine="dora", record="all")

    assert report.records["where.output"] == [(0, str(tmp_path))]


def test_stop_ends_a_run_without_end_at_one_cut() -> None:
    """Every process counts the same ticks."""
    system = diamond()

    def stop(ticks: int) -> None:
        if ticks >= 10:
            system.stop()

    report = system.launch(engine="dora", record="all", timeout_s=30, progress=stop)

    assert report.ended_by == "stop"
    assert report.components["count"].fired == report.iterations > 0
    assert report.components["scale"].fired == report.iterations


def test_a_time_limit_ends_a_run() -> None:
    """With the report so far."""
    with pytest.raises(LaunchTimeoutError) as caught:
        pair().launch(engine="dora", timeout_s=3)

    assert caught.value.report.ended_by == "timeout"


def test_a_rate_and_a_seed_and_progress() -> None:
    """As on every engine."""
    told: list[int] = []

    report = pair().launch(51, engine="dora", rate_hz=100, seed=5, progress=told.append)

    assert 0.5 <= report.duration_s < 3
    assert told == sorted(told)
    assert told[-1] <= 51


def test_who_changes_a_value_is_named() -> None:
    """As natively."""
    system = System([Lists(node=Node("a")), Spoils(node=Node("b"))])

    with pytest.raises(ComponentError, match="'spoils'"):
        system.launch(3, engine="dora", check_values=True)


def test_an_unknown_option_is_refused() -> None:
    """With those that there are."""
    spec = pair().to_spec()

    with pytest.raises(EngineOptionError, match="coordinator_addr"):
        DoraEngine().launch(spec, iterations=1, pace=3)


def test_several_machines_never_run_here_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They need a coordinator, or a word."""
    monkeypatch.setenv("DORA_COORDINATOR_PORT", "1")
    system = System([Count(node=Node("a")), Scale(node=Node("b", machine="jetson"))])

    with pytest.raises(EngineError, match="'b' on 'jetson'"):
        system.launch(3, engine="dora")
    report = system.launch(3, engine="dora", local=True)

    assert report.components["scale"].fired == 3


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"local": "yes"}, "'local' .* is True or False; got 'yes'"),
        ({"coordinator_addr": 7}, "is an address, .* got 7"),
        ({"coordinator_addr": ""}, "is an address, .* got ''"),
        ({"coordinator_addr": "x", "local": True}, "left out beside local=True"),
    ],
)
def test_an_option_that_cannot_be_is_refused(
    options: dict[str, Any], text: str
) -> None:
    """Before anything starts."""
    with pytest.raises(EngineOptionError, match=text):
        pair().launch(1, engine="dora", **options)


@pytest.mark.parametrize("address", ["127.0.0.1:x", "127.0.0.1:70000", ":6013"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """With what it should look like."""
    with pytest.raises(EngineError, match="HOST or HOST:PORT"):
        pair().launch(1, engine="dora", coordinator_addr=address)


def test_a_machine_that_nobody_knows_is_said() -> None:
    """It cannot have the coordinator."""
    with pytest.raises(EngineError, match=r"no machine 'nobody\.invalid'"):
        pair().launch(1, engine="dora", coordinator_addr="nobody.invalid")


def test_a_spec_launches_without_being_compiled_before(tmp_path: Path) -> None:
    """And where it was compiled to, when it is said."""
    spec = pair().to_spec()
    path = DoraEngine().compile(spec, tmp_path / "elsewhere")

    first = DoraEngine().launch(spec, iterations=2)
    second = DoraEngine().launch(spec, path, iterations=2)

    assert first.iterations == second.iterations == 2
    assert (tmp_path / "elsewhere" / "logs" / "a.log").exists()


def test_nodes_that_send_arrays_get_more_shared_memory(tmp_path: Path) -> None:
    """Numbers need none, and who says what is needed gets that."""
    said = Numbers(8, node=Node("said", shared_memory_pool_size=9_000_000))
    system = System([Count(node=Node("a")), Scale(node=Node("b"))])
    arrays = System([Numbers(8, node=Node("c")), Follow(node=Node("d"))])

    system.launch(1, engine="dora")
    file = tmp_path / ".lk_build" / "dora" / "launch.yaml"
    assert "shared_memory_pool_size" not in file.read_text()
    arrays.launch(1, engine="dora")
    assert file.read_text().count(f"shared_memory_pool_size: {WISHED}") == 1
    System([said, Follow(node=Node("d"))]).launch(1, engine="dora")
    assert "shared_memory_pool_size: 9000000" in file.read_text()


def test_little_shared_memory_is_shared_and_said() -> None:
    """With what to do."""
    system = System([Numbers(8, node=Node("a")), Follow(node=Node("b"))])
    nodes: list[dict[str, Any]] = [{"id": "a"}, {"id": "b"}]

    with pytest.warns(LkWarning, match="shm-size"):
        raise_pools(system.to_spec(), nodes, 64 << 20)

    (a, b) = nodes
    assert SMALLEST_POOL < a["shared_memory_pool_size"] < WISHED
    assert "shared_memory_pool_size" not in b
    nodes = [{"id": "a"}, {"id": "b"}]
    with pytest.warns(LkWarning, match="gets 8 MB of the 67 MB"):
        raise_pools(system.to_spec(), nodes, 1 << 20)


@pytest.mark.parametrize(
    ("size", "ticks"),
    [(1, 5000), pytest.param(50_000, 3000, marks=pytest.mark.slow)],
)
def test_nothing_is_lost_at_any_speed(size: int, ticks: int) -> None:
    """Nor doubled, nor swapped."""
    system = System([Numbers(size, node=Node("a")), Follow(node=Node("b"))])

    report = system.launch(ticks, engine="dora")

    assert report.components["follow"].fired == ticks


@pytest.mark.slow
def test_a_slow_sink_gets_everything() -> None:
    """It sets the pace of a source that has none."""
    system = System([Numbers(1, node=Node("a")), Follow(0.005, node=Node("b"))])

    report = system.launch(1000, engine="dora")

    assert report.components["follow"].fired == 1000
    assert report.duration_s < 8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "ticks", "window"), [(1, 8000, 8000), (50_000, 100, 32)]
)
def test_nothing_is_lost_while_a_component_takes_its_time(
    size: int, ticks: int, window: int
) -> None:
    """What its process does not read meanwhile waits; the source is only held up."""
    follow = Follow(4.0, sleeps_at=10, node=Node("b"))
    system = System([Numbers(size, node=Node("a")), follow])

    report = system.launch(ticks, engine="dora", window=window, run_ahead=ticks)

    assert report.components["follow"].fired == ticks
    assert report.connections["numbers.output -> follow.values"].messages == ticks


@pytest.mark.parametrize("size", [10, pytest.param(50, marks=pytest.mark.slow)])
@pytest.mark.timeout(120)
def test_a_long_chain_loses_nothing(size: int) -> None:
    """Each hop hands on each value."""
    nodes = [Node(f"n{n}") for n in range(size)]
    parts: list[Any] = [Count(node=nodes[0])]
    parts += [Scale(name=f"s{n}", node=nodes[n]) for n in range(1, size)]
    value = parts[0]()
    for part in parts[1:]:
        value = part(value)

    report = System(parts).launch(100, engine="dora", record=[f"s{size - 1}.output"])

    expected = [(n, n * 2 ** (size - 1)) for n in range(100)]
    assert report.records[f"s{size - 1}.output"] == expected


def test_two_launches_at_a_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    """In different build folders."""
    reports: dict[str, Any] = {}

    def run(name: str) -> None:
        spec = pair(name=name).to_spec()
        path = DoraEngine().compile(spec, tmp_path / name)
        reports[name] = DoraEngine().launch(spec, path, iterations=200, record="all")

    threads = [threading.Thread(target=run, args=[name]) for name in ("x", "y")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)

    for name, report in reports.items():
        assert len(report.records[f"{name}.output"]) == 200
    assert len(reports) == 2


def test_start_takes_about_a_second() -> None:
    """Two processes that import Python's and dora's libraries."""
    began = time.monotonic()

    pair().launch(1, engine="dora")

    assert time.monotonic() - began < 10
    assert os.path.exists(".lk_build")
