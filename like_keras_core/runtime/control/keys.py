"""The secrets of a run: its token, and the key of each node that follows from it.

The process of a node proves itself with its node's key, so that it can speak for no
other node. Where processes are started one by one, each has its key in its environment;
where one environment is for several of a machine, in a file that only their user may
read. Machines that share a token derive the key from that.

References:
    Krawczyk & Eronen, *HKDF*, RFC 5869: keys for several uses from one secret.
    Aumasson et al., *BLAKE2*, RFC 7693, keyed and personalised.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from like_keras_core.errors import LkError
from like_keras_core.graph.channels import channels_of
from like_keras_core.spec import SystemSpec

TOKEN = "LK_TOKEN"
"""The variable with the token of a run, which several machines may share."""

KEY = "LK_KEY"
"""The variable with the key of the one node that a process runs."""

KEYS = "LK_KEYS"
"""The variable with the folder of the keys, for the processes of one machine."""

_FOLDER = "keys"
_PERSON = b"lk-node-key"


def node_key(token: str, node: str) -> str:
    """Return the key of a node.

    Args:
        token: The token of the run.
        node: The node.
    """
    secret = hashlib.blake2b(token.encode(), person=_PERSON).digest()
    key = hashlib.blake2b(node.encode(), key=secret, digest_size=32, person=_PERSON)
    # The prefix keeps a YAML reader from taking it for a number.
    return f"k-{key.hexdigest()}"


def write_keys(token: str, nodes: Iterable[str], build_dir: Path) -> Path:
    """Write the keys of nodes, each into a file of its own that its user may read.

    Args:
        token: The token of the run.
        nodes: The nodes.
        build_dir: The build folder; keys of an earlier run there are removed.

    Returns:
        The folder, for `KEYS`.
    """
    remove_keys(build_dir)
    folder = build_dir / _FOLDER
    folder.mkdir(mode=0o700)
    for node in nodes:
        mode = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        opened = os.open(folder / _file_name(node), mode, 0o600)
        with os.fdopen(opened, "w", encoding="ascii") as file:
            file.write(node_key(token, node))
    return folder.absolute()


def remove_keys(build_dir: Path) -> None:
    """Remove what `write_keys` wrote."""
    folder = build_dir / _FOLDER
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _file_name(node: str) -> str:
    """Return a name for a node's file; a node's name is never a path."""
    return hashlib.blake2b(node.encode(), digest_size=16).hexdigest()


def frame_keys(spec: SystemSpec) -> dict[str, dict[str, str]]:
    """Make the keys by which frames prove themselves; other ones in each run.

    Args:
        spec: The system.

    Returns:
        By node, a key for each channel that begins or ends there, by its number.
    """
    found: dict[str, dict[str, str]] = {}
    for channel in channels_of(spec):
        key = secrets.token_hex(16)
        for node in (channel.producer, channel.consumer):
            found.setdefault(node, {})[str(channel.number)] = key
    return found


def own_key(node: str) -> str:
    """Return the key of the node that this process runs, as the environment says.

    Args:
        node: The node.

    Raises:
        LkError: It says nothing.
    """
    if key := os.environ.get(KEY):
        return key
    if folder := os.environ.get(KEYS):
        try:
            return Path(folder, _file_name(node)).read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            raise LkError(
                f"The key of node {node!r} cannot be read: {error}. The launcher wrote "
                "it for its own user on its own machine."
            ) from None
    if token := os.environ.get(TOKEN):
        return node_key(token, node)
    raise LkError(
        f"Node {node!r} has no secret to prove itself with: set {TOKEN} to the text "
        "that the launching process has in it, where this process is started (on a "
        "machine with a dora daemon, in the environment of the daemon)."
    )


def own_environment(environment: Mapping[str, str], node: str) -> dict[str, str]:
    """Return the environment of the one process of a node.

    Args:
        environment: One for all nodes, perhaps with the token.
        node: The node.
    """
    own = without_secrets(environment)
    if KEY in environment:
        own[KEY] = environment[KEY]
    elif TOKEN in environment:
        own[KEY] = node_key(environment[TOKEN], node)
    return own


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the secrets of this process, or another run."""
    known = (TOKEN, KEY, KEYS)
    return {name: text for name, text in environment.items() if name not in known}
