"""The contract of engines as one test class: all that an author's test file needs."""

from __future__ import annotations

from like_keras_core.testing.suites.basic import BasicSuite
from like_keras_core.testing.suites.capabilities import CapabilitiesSuite
from like_keras_core.testing.suites.cleanup import LeavingSuite
from like_keras_core.testing.suites.contract import ContractSuite
from like_keras_core.testing.suites.errors import ErrorsSuite
from like_keras_core.testing.suites.failures import FailuresSuite
from like_keras_core.testing.suites.late import LateSuite
from like_keras_core.testing.suites.lifecycle import LifecycleSuite
from like_keras_core.testing.suites.payloads import PayloadsSuite
from like_keras_core.testing.suites.random import RandomSuite
from like_keras_core.testing.suites.records import RecordsSuite
from like_keras_core.testing.suites.serialization import SerializationSuite
from like_keras_core.testing.suites.takes import TakesSuite
from like_keras_core.testing.suites.time import TimeSuite


class EngineConformance(
    ContractSuite,
    BasicSuite,
    CapabilitiesSuite,
    TimeSuite,
    TakesSuite,
    LateSuite,
    RecordsSuite,
    LifecycleSuite,
    ErrorsSuite,
    PayloadsSuite,
    SerializationSuite,
    RandomSuite,
    LeavingSuite,
    FailuresSuite,
):
    """What every engine must do. Subclass it in a test file, and name the engine.

    ```text
    class TestMine(EngineConformance):
        engine = "mine"
    ```
    """
