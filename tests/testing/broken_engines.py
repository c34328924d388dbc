"""Engines that each break one promise, all of them in this process.

Each names, in `caught_by`, the test of the kit that must find it out.
"""

from __future__ import annotations

import atexit
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from like_keras_core import Component, ComponentError, EndOfStream, RunReport
from like_keras_core.engine import Engine
from like_keras_core.engine_kit.in_process import run_in_process
from like_keras_core.launch_options import LaunchOptions
from like_keras_core.runtime.loader import instantiate
from like_keras_core.spec import HasSpec, SystemSpec, as_spec

Forward = Callable[..., Any]


class Sound(Engine):
    """Breaks nothing: what the others are made of."""

    name = "sound"
    capabilities = frozenset({"delay", "hold", "latest", "every", "rate", "record"})
    caught_by: ClassVar[str] = ""

    def validate(self, system: HasSpec | SystemSpec) -> tuple[bool, list[str]]:
        return True, []

    def compile(
        self, system: HasSpec | SystemSpec, build_dir: Path | None = None
    ) -> Path | None:
        return None

    def edit(self, data: dict[str, Any]) -> None:
        """Change the spec."""

    def change(self, component: Component) -> None:
        """Change a component."""

    def choose(self, options: dict[str, Any]) -> None:
        """Change the options."""

    def components(
        self, system: HasSpec | SystemSpec, spec: SystemSpec
    ) -> Mapping[str, Component]:
        return instantiate(system, spec)

    def launch(
        self,
        system: HasSpec | SystemSpec,
        config_path: Path | None = None,
        **options: Any,
    ) -> RunReport:
        self.choose(options)
        return self.run(system, **options)

    def run(self, system: HasSpec | SystemSpec, **options: Any) -> RunReport:
        return run_in_process(Changed(self, system), self.name, **options)


class Changed:
    """A system as an engine has changed it."""

    def __init__(self, engine: Sound, system: HasSpec | SystemSpec) -> None:
        spec = as_spec(system)
        self.engine, self.system, self.authored = engine, system, spec
        data = spec.to_dict()
        engine.edit(data)
        self.spec = SystemSpec.from_dict(data)

    def to_spec(self) -> SystemSpec:
        return self.spec

    def lower(self) -> Changed:
        return self

    @property
    def components(self) -> Mapping[str, Component]:
        """What runs, made when the launch asks for it."""
        made = self.engine.components(self.system, self.authored)
        for component in made.values():
            self.engine.change(component)
        return made


def override(component: Component, name: str, function: Callable[..., Any]) -> None:
    """Put a function in the place of a component's method."""
    object.__setattr__(component, name, function)


class Wraps(Sound):
    """Puts something around each `forward`."""

    def around(self, component: Component, forward: Forward) -> Forward:
        return forward

    def change(self, component: Component) -> None:
        forward = component.forward
        around = functools.wraps(forward)(self.around(component, forward))
        override(component, "forward", around)


class Drops(Wraps):
    """Loses one message in a hundred."""

    name = "drops"
    caught_by = "test_no_message_is_lost"

    def around(self, component: Component, forward: Forward) -> Forward:
        sent = 0

        def around(*arguments: Any, **keywords: Any) -> Any:
            nonlocal sent
            sent += 1
            result = forward(*arguments, **keywords)
            return None if sent % 100 == 0 else result

        return around


class Reorders(Wraps):
    """Swaps two messages of a source, late in the run."""

    name = "reorders"
    caught_by = "test_messages_keep_their_order"

    def change(self, component: Component) -> None:
        if not len(component.inputs):
            super().change(component)

    def around(self, component: Component, forward: Forward) -> Forward:
        sent = 0
        kept: list[Any] = []

        def around() -> Any:
            nonlocal sent
            sent += 1
            if kept:
                return kept.pop()
            if sent == 200:
                kept.append(forward())
            return forward()

        return around


class LosesLastTick(Sound):
    """Ends one tick early."""

    name = "loses-last-tick"
    caught_by = "test_the_last_tick_counts"

    def choose(self, options: dict[str, Any]) -> None:
        super().choose(options)
        if options["iterations"]:
            options["iterations"] -= 1


class FiresOnAbsence(Sound):
    """Fires a join with an old value where there is no new one."""

    name = "fires-on-absence"
    caught_by = "test_absence_fires_nothing"

    def edit(self, data: dict[str, Any]) -> None:
        for component in data["components"]:
            for port in component["inputs"][1:]:
                port["policy"] = "hold"


class Swallows(Wraps):
    """Goes on when a component raised."""

    name = "swallows"
    caught_by = "test_an_exception_in_forward_is_raised"

    def around(self, component: Component, forward: Forward) -> Forward:
        def around(*arguments: Any, **keywords: Any) -> Any:
            try:
                return forward(*arguments, **keywords)
            except EndOfStream:
                raise
            except Exception:  # noqa: BLE001 - that is what is broken
                return None

        return around


class LeaksProcess(Sound):
    """Leaves a process behind."""

    name = "leaks-process"
    caught_by = "test_no_process_is_left"
    left: ClassVar[list[subprocess.Popen[bytes]]] = []

    def run(self, system: HasSpec | SystemSpec, **options: Any) -> RunReport:
        code = "import time; time.sleep(6)"
        self.left.append(
            subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
        )
        return super().run(system, **options)


class IgnoresInitial(Sound):
    """Lets every delay begin with 0."""

    name = "ignores-initial"
    caught_by = "test_a_delay_begins_with_its_initial_value"

    def edit(self, data: dict[str, Any]) -> None:
        for connection in data["connections"]:
            if connection.get("delay") is not None:
                connection["delay"]["initial"] = 0


class ShutsDownTwice(Sound):
    """Calls `on_shutdown` twice."""

    name = "shuts-down-twice"
    caught_by = "test_each_hook_is_called_once"

    def change(self, component: Component) -> None:
        once = component.on_shutdown

        def twice() -> None:
            once()
            once()

        override(component, "on_shutdown", twice)


class BreaksBarrier(Sound):
    """Activates each component as soon as it is configured."""

    name = "breaks-barrier"
    caught_by = "test_all_are_configured_before_one_is_activated"

    def change(self, component: Component) -> None:
        configure, activate = component.on_configure, component.on_activate

        def both() -> None:
            configure()
            activate()

        override(component, "on_configure", both)
        override(component, "on_activate", lambda: None)


class ShutsDownEarly(Sound):
    """Shuts each component down as soon as it is deactivated."""

    name = "shuts-down-early"
    caught_by = "test_all_are_deactivated_before_one_is_shut_down"

    def change(self, component: Component) -> None:
        deactivate, shutdown = component.on_deactivate, component.on_shutdown

        def both() -> None:
            deactivate()
            shutdown()

        override(component, "on_deactivate", both)
        override(component, "on_shutdown", lambda: None)


class Mutates(Wraps):
    """Changes a payload while it hands it round."""

    name = "mutates"
    caught_by = "test_a_value_that_fans_out_reaches_every_reader_unchanged"

    def around(self, component: Component, forward: Forward) -> Forward:
        def around(*arguments: Any, **keywords: Any) -> Any:
            result = forward(*arguments, **keywords)
            for value in (*arguments, *keywords.values()):
                if isinstance(value, list):
                    value.append("read")
            return result

        return around


class KeepsState(Sound):
    """Runs the same components again when a system is launched again."""

    name = "keeps-state"
    caught_by = "test_no_launch_sees_the_state_of_another"
    kept: ClassVar[dict[str, Mapping[str, Component]]] = {}

    def components(
        self, system: HasSpec | SystemSpec, spec: SystemSpec
    ) -> Mapping[str, Component]:
        if spec.digest() not in self.kept:
            self.kept[spec.digest()] = super().components(system, spec)
        for component in self.kept[spec.digest()].values():
            component._lk.launched = False
        return self.kept[spec.digest()]


class Lies(Sound):
    """Says that it can hold, and cannot."""

    name = "lies"
    caught_by = "test_a_held_value_is_the_newest_up_to_the_tick"

    def edit(self, data: dict[str, Any]) -> None:
        for component in data["components"]:
            for port in component["inputs"]:
                if port.get("policy") == "hold":
                    port["policy"] = "sync"


class ClaimsProcesses(Sound):
    """Says that each node has a process of its own."""

    name = "claims-processes"
    capabilities = Sound.capabilities | {"multi-process"}
    caught_by = "test_nodes_are_processes_if_so_declared"


class Misspells(Sound):
    """Declares what is no capability."""

    name = "misspells"
    capabilities = Sound.capabilities | {"multiprocess"}
    caught_by = "test_what_is_declared_are_names_of_the_core"


class RaisesBare(Sound):
    """Turns each error of a component into an `Exception`."""

    name = "raises-bare"
    caught_by = "test_an_exception_in_forward_is_a_component_error"

    def run(self, system: HasSpec | SystemSpec, **options: Any) -> RunReport:
        try:
            return super().run(system, **options)
        except ComponentError as error:
            raise Exception(str(error)) from None


class IgnoresIterations(Sound):
    """Runs fifty ticks whenever it is asked for a number."""

    name = "ignores-iterations"
    caught_by = "test_iterations_bound_the_run"

    def choose(self, options: dict[str, Any]) -> None:
        super().choose(options)
        if options["iterations"] is not None:
            options["iterations"] = 50


class IgnoresSeed(Sound):
    """Seeds every run alike."""

    name = "ignores-seed"
    caught_by = "test_the_seed_decides_what_rng_gives"

    def choose(self, options: dict[str, Any]) -> None:
        super().choose(options)
        options["seed"] = 0


class IgnoresRate(Sound):
    """Runs as fast as it can."""

    name = "ignores-rate"
    caught_by = "test_a_rate_paces_the_clock"

    def choose(self, options: dict[str, Any]) -> None:
        super().choose(options)
        options["rate_hz"] = options["speed"] = None


class IgnoresEvery(Sound):
    """Fires every source at each tick."""

    name = "ignores-every"
    caught_by = "test_every_fires_on_each_kth_tick"

    def edit(self, data: dict[str, Any]) -> None:
        for component in data["components"]:
            component["every"] = 1


class IgnoresTakes(Sound):
    """Gives all results at the tick of their inputs."""

    name = "ignores-takes"
    capabilities = Sound.capabilities | {"takes"}
    caught_by = "test_a_source_that_takes_ticks_fires_back_to_back"

    def edit(self, data: dict[str, Any]) -> None:
        for component in data["components"]:
            component.pop("takes", None)


class IgnoresChoices(Sound):
    """Repeats nothing of what another run decided."""

    name = "ignores-choices"
    capabilities = Sound.capabilities | {"late"}
    caught_by = "test_ticks_that_are_over_are_not_fired"

    def choose(self, options: dict[str, Any]) -> None:
        super().choose(options)
        options["choices"] = None


class IgnoresTaps(Sound):
    """Calls no tap."""

    name = "ignores-taps"
    caught_by = "test_a_tap_sees_each_value"

    def choose(self, options: dict[str, Any]) -> None:
        super().choose(options)
        options["taps"] = ()


class IgnoresCheckValues(Sound):
    """Looks at no value."""

    name = "ignores-check-values"
    caught_by = "test_check_values_names_who_changes_a_value"

    def choose(self, options: dict[str, Any]) -> None:
        super().choose(options)
        options["check_values"] = False


class TakesAnyOption(Sound):
    """Never says that it does not know an option."""

    name = "takes-any-option"
    caught_by = "test_an_unknown_option_is_refused"

    def choose(self, options: dict[str, Any]) -> None:
        """Drop what is not known."""
        known = LaunchOptions.__dataclass_fields__
        for word in options.keys() - known:
            del options[word]


class LendsArrays(Wraps):
    """Hands out arrays that can be written to."""

    name = "lends-arrays"
    caught_by = "test_an_array_arrives_read_only"

    def around(self, component: Component, forward: Forward) -> Forward:
        def around(*arguments: Any, **keywords: Any) -> Any:
            return forward(
                *map(own, arguments), **{k: own(v) for k, v in keywords.items()}
            )

        return around


def own(value: Any) -> Any:
    """Return an array as one that can be written to."""
    return np.array(value) if isinstance(value, np.ndarray) else value


class RoundsFloats(Wraps):
    """Carries -0.0 as 0.0."""

    name = "rounds-floats"
    caught_by = "test_odd_values_arrive_as_they_were"

    def around(self, component: Component, forward: Forward) -> Forward:
        def around(*arguments: Any, **keywords: Any) -> Any:
            result = forward(*arguments, **keywords)
            return 0.0 if isinstance(result, float) and result == 0 else result

        return around


class LeavesFile(Sound):
    """Writes a log where it was launched."""

    name = "leaves-file"
    caught_by = "test_no_file_is_left_outside_the_build_folder"

    def run(self, system: HasSpec | SystemSpec, **options: Any) -> RunReport:
        Path("engine.log").write_text("launched\n")
        return super().run(system, **options)


class LeavesSharedMemory(Sound):
    """Forgets a segment of shared memory."""

    name = "leaves-shared-memory"
    caught_by = "test_no_shared_memory_is_left"

    def run(self, system: HasSpec | SystemSpec, **options: Any) -> RunReport:
        segment = Path(f"/dev/shm/lk_broken_{os.getpid()}_{time.monotonic_ns()}")
        segment.write_bytes(b"forgotten")
        atexit.register(segment.unlink, missing_ok=True)
        return super().run(system, **options)


class LeavesThread(Sound):
    """Leaves a thread running."""

    name = "leaves-thread"
    caught_by = "test_no_thread_is_left"

    def run(self, system: HasSpec | SystemSpec, **options: Any) -> RunReport:
        threading.Thread(target=time.sleep, args=[3], daemon=True).start()
        return super().run(system, **options)


class KeepsHandler(Sound):
    """Does not give Ctrl-C back."""

    name = "keeps-handler"
    caught_by = "test_the_handler_of_ctrl_c_is_restored"

    def run(self, system: HasSpec | SystemSpec, **options: Any) -> RunReport:
        report = super().run(system, **options)
        signal.signal(signal.SIGINT, lambda number, frame: None)
        return report


class DiesOfInterrupt(Sound):
    """Lets Ctrl-C through."""

    name = "dies-of-interrupt"
    caught_by = "test_ctrl_c_ends_the_run_with_its_report"

    def run(self, system: HasSpec | SystemSpec, **options: Any) -> RunReport:
        try:
            signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))
            return super().run(system, **options)
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)


class StraysFromFolder(Sound):
    """Compiles into the working folder."""

    name = "strays-from-folder"
    caught_by = "test_compile_writes_below_its_folder_only"

    def compile(
        self, system: HasSpec | SystemSpec, build_dir: Path | None = None
    ) -> Path:
        path = Path("plan.json")
        path.write_text(as_spec(system).to_json())
        return path


class StampsFiles(Sound):
    """Writes the time into what it compiles."""

    name = "stamps-files"
    caught_by = "test_compiling_twice_writes_the_same"

    def compile(
        self, system: HasSpec | SystemSpec, build_dir: Path | None = None
    ) -> Path:
        folder = build_dir or Path(".lk_build") / self.name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "plan.txt"
        path.write_text(f"{time.time_ns()}")
        return path


class ForgetsConnections(Sound):
    """Reports components only."""

    name = "forgets-connections"
    caught_by = "test_the_report_is_complete"

    def run(self, system: HasSpec | SystemSpec, **options: Any) -> RunReport:
        report = super().run(system, **options)
        return RunReport(
            engine=report.engine,
            system=report.system,
            iterations=report.iterations,
            ended_by=report.ended_by,
            components=report.components,
            records=report.records,
        )


class RenamesArgument(Sound):
    """Calls the build folder by another name."""

    name = "renames-argument"
    caught_by = "test_its_methods_can_be_called_as_the_core_does"

    def compile(
        self, system: HasSpec | SystemSpec, folder: Path | None = None
    ) -> Path | None:
        return None


class CountsBeyondEnd(Sound):
    """Takes the end of a stream for an error."""

    name = "counts-beyond-end"
    caught_by = "test_an_end_of_stream_ends_the_run"

    def change(self, component: Component) -> None:
        forward = component.forward

        @functools.wraps(forward)
        def around(*arguments: Any, **keywords: Any) -> Any:
            try:
                return forward(*arguments, **keywords)
            except EndOfStream:
                raise RuntimeError("the stream has ended") from None

        override(component, "forward", around)


BROKEN: list[type[Sound]] = [
    kind
    for kind in list(globals().values())
    if type(kind) is type(Sound) and issubclass(kind, Sound) and kind.caught_by
]
