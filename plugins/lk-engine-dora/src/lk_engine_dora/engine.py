"""Compiles a system to a dora dataflow, and runs it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

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
            *("delay", "hold", "latest", "every", "rate", "record"),
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
        from lk_engine_dora.output_parser import Output

        coordinator: Coordinator | None = plan.engine_options["coordinator"]
        dataflow = _dataflow(plan, coordinator)
        environment = home.environment()
        if coordinator is not None:
            _tell_daemons(dataflow, environment)
        path = plan.folder / LAUNCH
        path.unlink(missing_ok=True)
        mode = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(path, mode, 0o600), "w", encoding="utf-8") as file:
            file.write(_HEAD + to_text(plan.spec, dataflow))
        paths = {item["id"]: item["path"] for item in dataflow["nodes"]}
        output = Output(plan.spec, plan.folder / LOGS)
        try:
            if coordinator is not None:
                return DoraStart(plan.spec, path, output, coordinator, paths)
            # Files that a component names lie where they do on other engines.
            environment["LK_WORKING_DIR"] = os.getcwd()
            environment[LAUNCHER] = str(os.getpid())
            return DoraRun(plan.spec, path, output, environment, paths)
        except BaseException:
            output.close()
            raise


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


def _tell_daemons(dataflow: Data, environment: Mapping[str, str]) -> None:
    """Put into the file what the nodes cannot have from this process's environment."""
    from lk_engine_dora.orphan_reaper import SWEEPS

    dataflow["env"] |= {**environment, SWEEPS: "1"}
    for item in dataflow["nodes"]:
        env = item.get("env", {})
        if "deploy" not in item and "LK_NODE" in env:
            item["env"] = {"LK_WORKING_DIR": escaped(os.getcwd()), **env}


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
