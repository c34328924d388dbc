"""What authors of engines, recorders and viewers import, beside the root's nouns.

Everything that they need of the core is here under one roof, so that the inside of the
core may move. What only the core needs stays in the packages that it comes from.
Importing this imports nothing of it: each name is fetched when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from like_keras_core.authoring.component_state import address_of
    from like_keras_core.authoring.launch_args import output_addresses
    from like_keras_core.engine_kit.arrival_reader import ArrivalReader
    from like_keras_core.engine_kit.in_process import run_in_process
    from like_keras_core.engine_kit.option_checks import (
        node_option_issues,
        refuse_errors,
        unknown_options,
    )
    from like_keras_core.engine_kit.process_engine import ProcessEngine
    from like_keras_core.engine_kit.python_path import (
        author_path,
        unfound_code,
        unfound_issues,
    )
    from like_keras_core.engine_kit.serializability import unsendable_issues
    from like_keras_core.graph.channels import (
        ChannelSpec,
        channels_of,
    )
    from like_keras_core.graph.checks import (
        by_node,
        check,
        execution_order,
    )
    from like_keras_core.graph.frozen_json import thaw
    from like_keras_core.graph.once import once_per_spec
    from like_keras_core.plugins.metadata import versions_of
    from like_keras_core.runtime.control.connection import address_toward
    from like_keras_core.runtime.control.environment import (
        LAUNCHED,
        Home,
        given_address,
    )
    from like_keras_core.runtime.control.keys import without_secrets
    from like_keras_core.runtime.control.run_plan import RunPlan
    from like_keras_core.runtime.flow.frame_tags import BARE_SIZE as HEADER_SIZE
    from like_keras_core.runtime.flow.routed_transport import RoutedTransport
    from like_keras_core.runtime.flow.transport import (
        Arrived,
        FrameParts,
        PolledTransport,
        Transport,
    )
    from like_keras_core.runtime.flow.wire_format import channel_of
    from like_keras_core.runtime.forced_exit import before_forced_exit
    from like_keras_core.runtime.os_resources.file_limit import file_limit_text
    from like_keras_core.runtime.os_resources.os_limits import lockable_memory
    from like_keras_core.runtime.os_resources.safe_files import (
        fresh_folder,
        open_new,
        open_regular,
        real_folder,
        write_text,
    )
    from like_keras_core.runtime.process.external_input import ExternalInput
    from like_keras_core.runtime.process.main import (
        fetch_system,
        serve_node,
    )
    from like_keras_core.runtime.process.node_process import NodeProcess
    from like_keras_core.runtime.signal_safe_queue import SignalSafeQueue
    from like_keras_core.runtime.stop import (
        StopSignal,
    )
    from like_keras_core.runtime.supervision.child_process import ChildProcess
    from like_keras_core.runtime.supervision.node_console import (
        NodeConsole,
        to_stderr,
    )
    from like_keras_core.runtime.supervision.os_sessions import exit_text, is_alive
    from like_keras_core.runtime.supervision.process_group import (
        NodeProcesses,
        ProcessGroup,
    )
    from like_keras_core.values.class_refs import (
        Resolver,
        stop_loading_script,
    )
    from like_keras_core.values.class_refs import (
        resolve as resolve_class,
    )
    from like_keras_core.values.code_folders import code_environment
    from like_keras_core.values.config_json import (
        decode as decode_json,
    )
    from like_keras_core.values.config_json import (
        encode as encode_json,
    )
    from like_keras_core.values.semantics import same

_HOMES = {
    "ArrivalReader": "engine_kit.arrival_reader",
    "Arrived": "runtime.flow.transport",
    "ChannelSpec": "graph.channels",
    "ChildProcess": "runtime.supervision.child_process",
    "ExternalInput": "runtime.process.external_input",
    "FrameParts": "runtime.flow.transport",
    "HEADER_SIZE": "runtime.flow.frame_tags:BARE_SIZE",
    "Home": "runtime.control.environment",
    "LAUNCHED": "runtime.control.environment",
    "NodeConsole": "runtime.supervision.node_console",
    "NodeProcess": "runtime.process.node_process",
    "NodeProcesses": "runtime.supervision.process_group",
    "PolledTransport": "runtime.flow.transport",
    "ProcessEngine": "engine_kit.process_engine",
    "ProcessGroup": "runtime.supervision.process_group",
    "Resolver": "values.class_refs",
    "RunPlan": "runtime.control.run_plan",
    "SignalSafeQueue": "runtime.signal_safe_queue",
    "RoutedTransport": "runtime.flow.routed_transport",
    "StopSignal": "runtime.stop",
    "Transport": "runtime.flow.transport",
    "address_of": "authoring.component_state",
    "address_toward": "runtime.control.connection",
    "author_path": "engine_kit.python_path",
    "before_forced_exit": "runtime.forced_exit",
    "code_environment": "values.code_folders",
    "by_node": "graph.checks",
    "channel_of": "runtime.flow.wire_format",
    "channels_of": "graph.channels",
    "check": "graph.checks",
    "decode_json": "values.config_json:decode",
    "encode_json": "values.config_json:encode",
    "execution_order": "graph.checks",
    "exit_text": "runtime.supervision.os_sessions",
    "fetch_system": "runtime.process.main",
    "file_limit_text": "runtime.os_resources.file_limit",
    "fresh_folder": "runtime.os_resources.safe_files",
    "open_new": "runtime.os_resources.safe_files",
    "open_regular": "runtime.os_resources.safe_files",
    "real_folder": "runtime.os_resources.safe_files",
    "write_text": "runtime.os_resources.safe_files",
    "given_address": "runtime.control.environment",
    "is_alive": "runtime.supervision.os_sessions",
    "lockable_memory": "runtime.os_resources.os_limits",
    "node_option_issues": "engine_kit.option_checks",
    "once_per_spec": "graph.once",
    "output_addresses": "authoring.launch_args",
    "refuse_errors": "engine_kit.option_checks",
    "resolve_class": "values.class_refs:resolve",
    "run_in_process": "engine_kit.in_process",
    "same": "values.semantics",
    "serve_node": "runtime.process.main",
    "stop_loading_script": "values.class_refs",
    "thaw": "graph.frozen_json",
    "to_stderr": "runtime.supervision.node_console",
    "unfound_code": "engine_kit.python_path",
    "unfound_issues": "engine_kit.python_path",
    "unknown_options": "engine_kit.option_checks",
    "unsendable_issues": "engine_kit.serializability",
    "versions_of": "plugins.metadata",
    "without_secrets": "runtime.control.keys",
}
"""Where each name is defined: its module, and its name there if that is another."""

__all__ = [
    "HEADER_SIZE",
    "LAUNCHED",
    "ArrivalReader",
    "Arrived",
    "ChannelSpec",
    "ChildProcess",
    "ExternalInput",
    "FrameParts",
    "Home",
    "NodeConsole",
    "NodeProcess",
    "NodeProcesses",
    "PolledTransport",
    "ProcessEngine",
    "ProcessGroup",
    "Resolver",
    "RoutedTransport",
    "RunPlan",
    "SignalSafeQueue",
    "StopSignal",
    "Transport",
    "address_of",
    "address_toward",
    "author_path",
    "before_forced_exit",
    "by_node",
    "channel_of",
    "channels_of",
    "check",
    "code_environment",
    "decode_json",
    "encode_json",
    "execution_order",
    "exit_text",
    "fetch_system",
    "file_limit_text",
    "fresh_folder",
    "given_address",
    "is_alive",
    "lockable_memory",
    "node_option_issues",
    "once_per_spec",
    "open_new",
    "open_regular",
    "output_addresses",
    "real_folder",
    "refuse_errors",
    "resolve_class",
    "run_in_process",
    "same",
    "serve_node",
    "stop_loading_script",
    "thaw",
    "to_stderr",
    "unfound_code",
    "unfound_issues",
    "unknown_options",
    "unsendable_issues",
    "versions_of",
    "without_secrets",
    "write_text",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        from like_keras_core.errors import nearest

        near = nearest(name, __all__)
        hint = f". Did you mean {near!r}?" if near and not name.startswith("_") else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")
    home, _, there = _HOMES[name].partition(":")
    value = getattr(import_module(f"like_keras_core.{home}"), there or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
