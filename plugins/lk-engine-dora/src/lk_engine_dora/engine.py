"""Compiles a system to a dora dataflow, and runs it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from like_keras_core.engine_kit import (
    Home,
    ProcessEngine,
    RunPlan,
    given_address,
    lockable_memory,
    real_folder,
    write_text,
)
from like_keras_core.issue import Issue
from like_keras_core.node import is_local
from like_keras_core.spec import SystemSpec
from lk_engine_dora.arrow_values import register_arrays
from lk_engine_dora.checks import issues_of
from lk_engine_dora.coordinator import Coordinator
from lk_engine_dora.dataflow import Data, to_dataflow
from lk_engine_dora.dora_processes import DoraProcesses
from lk_engine_dora.env_vars import escaped
from lk_engine_dora.launcher_watch import LAUNCHER
from lk_engine_dora.local_paths import Places
from lk_engine_dora.node import DISTRIBUTIONS
from lk_engine_dora.options import LaunchOptionError
from lk_engine_dora.yaml_writer import to_text

if TYPE_CHECKING:
    from lk_engine_dora.output_parser import Output

DATAFLOW = "dataflow.yaml"
SYSTEM = "system.json"
LAUNCH = "launch.yaml"
LOGS = "logs"
_HEAD = "# A launch has written this for itself. To run it by hand: dataflow.yaml.\n"


class DoraEngine(ProcessEngine):
    """Runs a system as a dora dataflow: a process per node, here or elsewhere."""

    name = "dora"
    capabilities = frozenset(
        {
            *("delay", "hold", "latest", "every", "takes", "rate", "late", "record"),
            *("multi-process", "multi-machine", "zero-copy"),
            *("foreign-nodes", "stand-alone"),
        }
    )
    options: ClassVar[Mapping[str, str]] = {
        "coordinator_addr": "Where dora's coordinator is, for several machines: HOST "
        "or HOST:PORT. When omitted, what DORA_COORDINATOR_ADDR says, or this machine.",
        "local": "Run every node here, whatever machine it names.",
    }

    distributions = DISTRIBUTIONS
    modules = ("dora", "pyarrow")

    def issues(self, spec: SystemSpec, folder: Path) -> list[Issue]:
        """List every reason why a system cannot run on dora, or may surprise there."""
        return issues_of(spec, Places.here(spec, folder / SYSTEM))

    def write(self, spec: SystemSpec, folder: Path) -> Path:
        """Write the dataflow and, beside it, the system; return the dataflow's path."""
        text = to_text(spec, to_dataflow(spec, Places.here(spec, folder / SYSTEM)))
        path = real_folder(folder) / DATAFLOW
        write_text(folder / SYSTEM, spec.to_json() + "\n")
        write_text(path, text)
        return path

    def prepare(self, plan: RunPlan) -> RunPlan:
        """Find the coordinator that the launch needs; without one all runs here.

        Raises:
            EngineError: A coordinator or daemon is missing.
            LaunchOptionError: An option cannot be what it is.
        """
        options = plan.engine_options
        coordinator = _coordinator(
            plan.spec, options.get("coordinator_addr"), options.get("local", False)
        )
        machines = plan.machines
        if coordinator is None:
            machines = dict.fromkeys(machines, "local")
        else:
            coordinator.check(plan.spec)
        register_arrays()
        found = {**options, "coordinator": coordinator}
        return replace(plan, machines=machines, engine_options=found)

    def listens_on(self, plan: RunPlan) -> tuple[str, int]:
        """Return an address that the machines of the coordinator reach."""
        coordinator: Coordinator | None = plan.engine_options["coordinator"]
        if coordinator is None:
            return super().listens_on(plan)
        return given_address() or (coordinator.own_address(plan.spec), 0)

    def start(self, plan: RunPlan, nodes: Sequence[str], home: Home) -> DoraProcesses:
        """Write the dataflow of this launch and start it."""
        from lk_engine_dora.dora_run import DoraRun
        from lk_engine_dora.dora_start import DoraStart
        from lk_engine_dora.output_parser import RunOutput, StartOutput

        coordinator: Coordinator | None = plan.engine_options["coordinator"]
        dataflow = _dataflow(plan, coordinator)
        paths = {item["id"]: item["path"] for item in dataflow["nodes"]}
        path = plan.folder / LAUNCH
        logs = plan.folder / LOGS
        if coordinator is not None:
            said = StartOutput(plan.spec, logs)
            with closed_on_error(said):
                _tell_daemons(dataflow, home, plan.folder)
                _tell_nodes(dataflow, said.console.environment())
                _write(path, _HEAD + to_text(plan.spec, dataflow))
                return DoraStart(plan.spec, path, said, coordinator, paths)
        printed = RunOutput(plan.spec, logs)
        with closed_on_error(printed):
            _tell_nodes(dataflow, printed.console.environment())
            _write(path, _HEAD + to_text(plan.spec, dataflow))
            environment = home.shared_environment(nodes, plan.folder)
            # Files that a component names lie where they do on other engines.
            environment["LK_WORKING_DIR"] = os.getcwd()
            environment[LAUNCHER] = str(os.getpid())
            return DoraRun(plan.spec, path, printed, environment, paths)


@contextmanager
def closed_on_error(output: Output) -> Iterator[None]:
    """Close what takes in a run's output if the run does not start."""
    try:
        yield
    except BaseException:
        output.close()
        raise


def _write(path: Path, text: str) -> None:
    """Write a file that only this user may read."""
    path.unlink(missing_ok=True)
    mode = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, mode, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _dataflow(plan: RunPlan, coordinator: Coordinator | None) -> Data:
    """Return the dataflow of a launch."""
    from lk_engine_dora.memory_pools import (
        raise_pools,
        refuse_no_memory,
        warn_of_locks,
    )
    from lk_engine_dora.shm_cleanup import MEMORY, free_memory

    dataflow = to_dataflow(
        plan.spec,
        Places.here(plan.spec, plan.folder / SYSTEM),
        window=plan.options.window,
        run_ahead=plan.options.run_ahead,
        is_local_run=coordinator is None,
    )
    # How much shared memory there is elsewhere is not known here.
    here = [item for item in dataflow["nodes"] if "deploy" not in item]
    if MEMORY.is_dir():
        refuse_no_memory(
            len(here) + 1, free_memory(), is_writable=os.access(MEMORY, os.W_OK)
        )
    raise_pools(plan.spec, here, free_memory())
    warn_of_locks(plan.spec, here, lockable_memory())
    return dataflow


def _tell_daemons(dataflow: Data, home: Home, folder: Path) -> None:
    """Put into the file what the nodes cannot have from this process's environment.

    The coordinator prints it, and every node may read it. So the token is not in it.
    Where that was given as `LK_TOKEN`, the daemons have it. Else the nodes of this
    machine find their keys in files. That of a node elsewhere is in the dataflow, and
    good for one process: nobody else can use it once that has connected.
    """
    from lk_engine_dora.local_daemon import is_daemon_ours
    from lk_engine_dora.orphan_reaper import SWEEPS

    dataflow["env"] |= {**home.place(), SWEEPS: "1"}
    ours = [item for item in dataflow["nodes"] if "LK_NODE" in item.get("env", {})]
    here = [item["env"]["LK_NODE"] for item in ours if "deploy" not in item]
    has_files = bool(here) and is_daemon_ours()
    files = home.shared_environment(here, folder) if has_files else {}
    for item in ours:
        env = item["env"]
        own = home.remote_environment(env["LK_NODE"])
        if "deploy" not in item:
            own = {**(files or own), "LK_WORKING_DIR": os.getcwd()}
        item["env"] = {**{name: escaped(text) for name, text in own.items()}, **env}


def _tell_nodes(dataflow: Data, environment: Mapping[str, str]) -> None:
    """Put something into the environment of our nodes."""
    for item in dataflow["nodes"]:
        if "LK_NODE" in item.get("env", {}):
            item["env"] |= environment


def _coordinator(
    spec: SystemSpec, address: object, local: object
) -> Coordinator | None:
    """Return the coordinator that a launch needs; None for this machine alone.

    Raises:
        EngineError: There is no machine of that name.
        LaunchOptionError: An option cannot be what it is.
    """
    if not isinstance(local, bool):
        raise LaunchOptionError("local", "True or False", local)
    if local and address is not None:
        expected = "left out beside local=True, which needs no coordinator"
        raise LaunchOptionError("coordinator_addr", expected, address)
    is_here = local or all(is_local(node.machine) for node in spec.nodes)
    if address is None:
        return None if is_here else Coordinator.at("")
    if not isinstance(address, str) or not address:
        expected = "an address, such as '192.168.1.100'"
        raise LaunchOptionError("coordinator_addr", expected, address)
    return Coordinator.at(address)
