"""Systems that no one wrote: drawn at random, and compared with the reference."""

from __future__ import annotations

import pytest

from like_keras_core.testing.suite import Suite


class RandomSuite(Suite):
    """They use every capability that the engine declares, and no other."""

    def test_random_systems_give_what_the_reference_gives(self) -> None:
        """The same systems in each run of the tests; a failure shows a small one."""
        pytest.importorskip("hypothesis")
        from hypothesis import HealthCheck, Phase, given, settings

        from like_keras_core.testing.random_systems import Plan, plans

        phases = [Phase.generate]
        if self.is_one_process:
            phases.append(Phase.shrink)

        @settings(
            max_examples=self.examples or (60 if self.is_one_process else 8),
            deadline=None,
            database=None,
            derandomize=True,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        )
        @given(plans(self.declared))
        def every_plan_agrees(plan: Plan) -> None:
            self.agree(plan.build, plan.iterations)

        every_plan_agrees()
