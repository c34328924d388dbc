"""A process keeps the memory that it frees."""

import platform
import subprocess
import sys

import pytest

CODE = """\
import resource
from like_keras_core.runtime.process.malloc import keep_freed_memory

keep_freed_memory()

def use():
    blocks = [bytearray(b"x") * 4_000_000 for _ in range(4)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

first = use()
print(use() - first)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="it is glibc that is told"
)
def test_large_values_after_the_first_ones_need_no_new_pages() -> None:
    """A value of 4 MB has a thousand pages; those of the one before serve again."""
    command = [sys.executable, "-c", CODE]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert int(done.stdout) < 500
