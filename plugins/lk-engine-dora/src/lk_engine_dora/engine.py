"""Compiles a system to a dora dataflow, and runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from like_keras_core.engine import Engine
from like_keras_core.engine_kit.option_checks import refuse_errors
from like_keras_core.graph.checks import check
from like_keras_core.issue import Issue, errors_in
from like_keras_core.node import is_local
from like_keras_core.report import RunReport
from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.runtime.stop import StopSignal, in_time
from like_keras_core.spec import HasSpec, SystemSpec, as_spec, default_build_dir
from like_keras_core.tap import Tap
from lk_engine_dora.checks import issues_of
from lk_engine_dora.coordinator import Coordinator
from lk_engine_dora.dataflow import to_dataflow
from lk_engine_dora.local_paths import Places
from lk_engine_dora.options import LaunchOptionError
from lk_engine_dora.yaml_writer import to_text

DATAFLOW = "dataflow.yaml"
SYSTEM = "system.json"
OWN_OPTIONS = ("coordinator_addr", "local")
"""What `launch` takes beside the keywords of every engine."""


class DoraEngine(Engine):
    """Runs a system as a dora dataflow: a process per node, here or elsewhere."""

    name = "dora"
    capabilities = frozenset(
        {
            *("delay", "hold", "latest", "every", "rate", "record"),
            *("multi-process", "multi-machine", "zero-copy"),
            *("foreign-nodes", "stand-alone"),
        }
    )

    def validate(self, system: HasSpec | SystemSpec) -> tuple[bool, list[str]]:
        """List every reason why a system cannot run on dora, or may surprise there."""
        spec = as_spec(system)
        issues = _issues(spec, Places.here(spec, default_build_dir("dora") / SYSTEM))
        return not errors_in(issues), list(issues)

    def compile(
        self, system: HasSpec | SystemSpec, build_dir: Path | None = None
    ) -> Path:
        """Write the dataflow and, beside it, the system; return the dataflow's path.

        Raises:
            CapabilityError: A node asks to be started again after a failure.
            GraphError: There are errors; nothing was written.
        """
        spec = as_spec(system)
        folder = Path(build_dir or default_build_dir("dora"))
        places = Places.here(spec, folder / SYSTEM)
        refuse_errors(self.name, spec.name, _issues(spec, places))
        text = to_text(spec, to_dataflow(spec, places))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SYSTEM).write_text(spec.to_json() + "\n", encoding="utf-8")
        path = folder / DATAFLOW
        path.write_text(text, encoding="utf-8")
        return path

    def launch(
        self,
        system: HasSpec | SystemSpec,
        config_path: Path | None = None,
        *,
        iterations: int | None = None,
        rate_hz: float | None = None,
        record: Sequence[str] | str = (),
        taps: Iterable[Tap] = (),
        check_values: bool = False,
        timeout_s: float | None = None,
        seed: int = 0,
        window: int | None = None,
        run_ahead: int = 256,
        heartbeat_s: float = 3.0,
        stop: StopSignal | None = None,
        progress: Callable[[int], object] | None = None,
        coordinator_addr: str | None = None,
        local: bool = False,
        **options: Any,
    ) -> RunReport:
        """Run a system as a dora dataflow until its end.

        Args:
            system: What to run.
            config_path: What `compile` returned; compiled now when omitted.
            iterations: How many ticks; None until stopped.
            rate_hz: Ticks per second; the system's own when omitted.
            record: Addresses of output ports, or `"all"`.
            taps: What to call after emissions.
            check_values: Find components that change what they receive.
            timeout_s: Stop after this time [s].
            seed: Seeds every component's `rng`.
            window: Values in flight on a channel.
            run_ahead: Ticks that a process may be ahead.
            heartbeat_s: How long a process may be silent [s].
            stop: Asks the run to end.
            progress: Called with the number of ticks done, now and then.
            coordinator_addr: Where dora's coordinator is, for several machines: `HOST`
                or `HOST:PORT`. When omitted what `DORA_COORDINATOR_ADDR` says, or this
                machine.
            local: Run every node here, whatever machine it names.
            **options: Refused.

        Raises:
            ComponentError: A component raised.
            EngineError: A coordinator or daemon is missing, or dora failed.
            EngineOptionError: There is no such option, or it cannot be that.
            HostLostError: The process of a node ended, or was silent.
            LaunchTimeoutError: `timeout_s` passed.
        """
        from like_keras_core.runtime.supervision.launcher import ProcessLauncher
        from lk_engine_dora.launch import Launch
        from lk_engine_dora.versions import versions

        spec = as_spec(system)
        told = RunOptions.of_launch(
            spec,
            rate_hz=rate_hz,
            record=record,
            taps=taps,
            check_values=check_values,
            seed=seed,
            window=window,
            run_ahead=run_ahead,
            engine=self.name,
            own=OWN_OPTIONS,
            **options,
        )
        coordinator = _coordinator(spec, coordinator_addr, local)
        path = config_path or self.compile(spec)
        conduct = ProcessLauncher(
            spec=spec,
            engine=self.name,
            options=told,
            stop=stop or StopSignal(),
            heartbeat_s=heartbeat_s,
            timeout_s=timeout_s,
            progress=progress,
            versions=versions(),
        )
        launch = Launch(
            conduct=conduct,
            system=Path(path).with_name(SYSTEM),
            coordinator=coordinator,
        )
        return in_time(launch.run(iterations), timeout_s)


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


def _issues(spec: SystemSpec, places: Places) -> list[Issue]:
    unsound = errors_in(check(spec))
    return unsound or issues_of(spec, places)
