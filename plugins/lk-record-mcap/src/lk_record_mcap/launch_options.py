"""What the options of a recorded launch mean."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from like_keras_core import get_engine
from like_keras_core.engine_kit import output_addresses
from like_keras_core.errors import CapabilityError
from like_keras_core.launch_options import LaunchOptions
from like_keras_core.params import params_set
from like_keras_core.spec import HasSpec, SystemSpec, as_spec
from lk_record_mcap.errors import RecordingOptionError
from lk_record_mcap.recorder import Recorder


def recorder_for(
    system: HasSpec | SystemSpec,
    engine: str,
    options: Mapping[str, Any],
    *,
    record_to: Any = None,
    record_ports: Any = "all",
    record_compression: str = "none",
) -> Recorder:
    """Return what records a launch.

    Args:
        system: What is launched.
        engine: The engine's name.
        options: The other options of the launch.
        record_to: The recording's path.
        record_ports: Output ports or addresses, or `"all"`.
        record_compression: `"none"`, `"lz4"` or `"zstd"`.

    Raises:
        RecordingOptionError: An option is of a wrong type.
        GraphError: There is no such port.
        CapabilityError: The engine has no taps.
        RecordingError: The recording cannot be begun.
    """
    if not isinstance(record_to, (str, os.PathLike)):
        raise RecordingOptionError(
            "record_to is the path of an MCAP file, and record_ports and "
            f"record_compression need it: record_to='run.mcap'; got {record_to!r:.80}."
        )
    if "record" not in get_engine(engine).capabilities:
        raise CapabilityError(engine, "record", "launch(record_to=...)")
    try:
        addresses = output_addresses(system, record_ports)
    except TypeError as error:
        raise RecordingOptionError(str(error)) from None
    spec = as_spec(system)
    asked, _ = LaunchOptions.split(options)
    params = params_set(system)
    return Recorder(
        record_to,
        spec,
        addresses,
        engine=engine,
        seed=asked.seed,
        rate_hz=asked.in_ticks(spec.rate_hz).rate_hz,
        options={**asked.facts(), **({"params": params} if params else {})},
        compression=record_compression,
    )
