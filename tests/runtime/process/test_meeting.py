"""How the processes of a run on several machines find the launching one."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from like_keras_core import Node, System
from like_keras_core.errors import LkError
from like_keras_core.runtime.control.connection import address_toward
from like_keras_core.runtime.control.environment import Home
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.control.server import ControlServer
from like_keras_core.runtime.process.main import control_address, fetch_system
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.runtime.supervision.supervisor import Supervisor
from like_keras_core.testing.components import Count, Scale

TOKEN = "a token"


def chain(first: str = "local", second: str = "local") -> System:
    """Return a chain over two nodes."""
    return System([Count(node=Node("a", first)), Scale(node=Node("b", second))])


@pytest.fixture
def listen() -> Any:
    """Let a launching process listen for a system, until the test is over."""
    stop = StopSignal()
    threads = []

    def run(system: System) -> tuple[str, int]:
        board = ControlServer(TOKEN, 3.0)
        conductor = Supervisor(
            RunPlan.of(system.to_spec()), board, engine="none", stop=stop
        )
        threads.append(threading.Thread(target=conductor.run, args=[1]))
        threads[-1].start()
        return board.address

    yield run
    stop.set()
    for thread in threads:
        thread.join(20)


@pytest.mark.timeout(60)
def test_a_process_without_a_copy_fetches_the_system(
    listen: Callable[[System], tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the launching process, over the channel home."""
    system = chain(second="jetson")
    for name, value in Home(listen(system), TOKEN).environment().items():
        monkeypatch.setenv(name, value)

    fetched = fetch_system()

    assert fetched == system.to_spec()


def test_without_a_launching_process_there_is_nobody_to_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That is said."""
    monkeypatch.delenv("LK_LAUNCHED", raising=False)

    with pytest.raises(LkError, match="No launcher"):
        fetch_system()


def test_the_way_to_a_machine_says_our_address() -> None:
    """To this one it is loopback; to one that there is not, nothing."""
    assert address_toward("127.0.0.1") == "127.0.0.1"
    with pytest.raises(OSError, match=r".+"):
        address_toward("nobody.invalid")


def test_several_machines_must_know_where_the_first_node_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Loopback is nowhere for the others."""
    monkeypatch.delenv("LK_CONTROL", raising=False)

    assert control_address(chain("192.0.2.1", "jetson").to_spec())[0] == "192.0.2.1"
    with pytest.raises(LkError, match="set LK_CONTROL to HOST:PORT"):
        control_address(chain("local", "jetson").to_spec())
