"""Every engine must do this, whatever it declares."""

from __future__ import annotations

import pytest

from like_keras_core.node import Node
from like_keras_core.system import System
from like_keras_core.testing import kit_components as parts
from like_keras_core.testing import random_components as mix
from like_keras_core.testing.components import Count, Odd, Scale, Sum
from like_keras_core.testing.suite import Suite


def chain(limit: int | None = None) -> System:
    """Return a chain over three nodes, two of its components on one of them."""
    a, b, c = Node("a"), Node("b"), Node("c")
    parts_ = [Count(limit=limit, node=a), Scale(node=b), Scale(node=b), Scale(node=c)]
    return System(parts_, name="chain")


def diamond() -> System:
    """Return two branches that part on one node and meet on another; one is silent."""
    a, b, c = Node("a"), Node("b"), Node("c")
    count, scale, odd, add = Count(node=a), Scale(node=b), Odd(node=c), Sum(node=a)
    numbers = count()
    add(scale(numbers), odd(numbers))
    return System([add, odd, scale, count], name="diamond")


def alone() -> System:
    """Return the smallest system."""
    return System([Count(start=5)], name="alone")


class BasicSuite(Suite):
    """Messages arrive, in order, at their tick; a run has the end that it should."""

    @pytest.mark.parametrize("iterations", [0, 1, 10])
    def test_iterations_bound_the_run(self, iterations: int) -> None:
        """`iterations=N` is ticks 0 to N-1, no more and no fewer."""
        report = self.launch(chain(), iterations)

        assert report.iterations == iterations
        assert report.components["count"].fired == iterations
        assert report.ended_by == "iterations"

    def test_the_last_tick_counts(self) -> None:
        """What was sent at tick N-1 has gone through the whole chain."""
        report = self.launch(chain(), 8)

        fired = {name: item.fired for name, item in report.components.items()}
        assert fired == dict.fromkeys(fired, 8)

    def test_no_message_is_lost(self) -> None:
        """A thousand values through four components on three nodes."""
        found = self.agree(chain, 1000)

        assert set(found.messages.values()) == {1000}

    def test_messages_keep_their_order(self) -> None:
        """Each value comes at its tick, across nodes too."""
        self.agree(chain, 300)

    def test_one_component_is_a_system(self) -> None:
        """Nothing has to be connected."""
        self.agree(alone, 5)

    def test_a_diamond_meets_at_the_same_tick(self) -> None:
        """Branches over different nodes are joined by tick, not by arrival."""
        self.agree(diamond, 60)

    def test_absence_fires_nothing(self) -> None:
        """A component one of whose inputs is absent is absent itself."""

        def make() -> System:
            some = parts.Play([1, None, 2, None, None], name="some", node=Node("a"))
            count, join = Count(node=Node("b")), parts.Join(node=Node("c"))
            join(count(), some())
            return System([some, count, join])

        found = self.agree(make, 20)

        assert found.fired["join"] == (8, 12)

    def test_absence_goes_on_downstream(self) -> None:
        """What follows an absent component is absent too, node after node."""

        def make() -> System:
            some = parts.Play([None, 7, None], name="some", node=Node("a"))
            one = parts.Echo(name="one", node=Node("b"))
            two = parts.Echo(name="two", node=Node("a"))
            return System([some, one, two])

        found = self.agree(make, 9)

        assert found.fired["two"] == (3, 6)

    def test_only_the_port_that_returned_none_is_absent(self) -> None:
        """Several outputs are absent one by one."""

        def make() -> System:
            source = mix.Mix0(salt=1, silence=5, name="source", node=Node("a"))
            x = parts.Echo(name="x_reader", node=Node("b"))
            y = parts.Echo(name="y_reader", node=Node("b"))
            x(source.outputs.x)
            y(source.outputs.y)
            return System([source, x, y])

        found = self.agree(make, 40)

        assert found.fired["y_reader"] == (40, 0)
        assert 0 < found.fired["x_reader"][0] < 40

    def test_a_value_that_fans_out_reaches_every_reader_unchanged(self) -> None:
        """On the producer's node and on others, whichever reads first."""

        def make() -> System:
            lists = parts.Lists(node=Node("a"))
            readers = [
                parts.Digest(name=f"r{n}", node=Node("abc"[n % 3])) for n in range(6)
            ]
            values = lists()
            for reader in readers:
                reader(values)
            return System([lists, *readers])

        self.agree(make, 30)

    def test_an_unconnected_system_of_several_sources_runs(self) -> None:
        """Components that have nothing to do with each other share the clock."""

        def make() -> System:
            nodes = [Node("a"), Node("b"), Node("b")]
            return System([Count(n, name=f"c{n}", node=x) for n, x in enumerate(nodes)])

        self.agree(make, 30)

    def test_an_end_of_stream_ends_the_run(self) -> None:
        """The tick at which it is raised counts nowhere."""
        found = self.agree(lambda: chain(limit=7))

        assert (found.iterations, found.ended_by) == (7, "end of stream")

    def test_any_component_may_end_the_stream(self) -> None:
        """What is before it in the chain is cut at the same tick."""

        def make() -> System:
            ends = parts.Ends("end", 5, name="ends", node=Node("b"))
            return System([Count(node=Node("a")), ends])

        found = self.agree(make, 50)

        assert (found.iterations, found.ended_by) == (5, "end of stream")
        assert found.fired == {"count": (5, 0), "ends": (5, 0)}

    def test_no_launch_sees_the_state_of_another(self) -> None:
        """The second launch of one system starts over."""
        system = chain()

        first = self.outcome(system, 10)
        second = self.outcome(system, 10)

        assert first.differences(second) == []
        assert self.agree(chain, 10).differences(second) == []

    def test_no_launch_sees_the_state_of_a_saved_systems_launch(self) -> None:
        """A spec has no state at all."""
        spec = chain(limit=6).to_spec()

        counts = [
            {k: x.fired for k, x in self.launch_spec(spec, 9).components.items()}
            for _ in range(2)
        ]

        assert counts[0] == counts[1]
        assert counts[0]["count"] == 6

    def test_the_seed_decides_what_rng_gives(self) -> None:
        """The same seed, the same numbers; another seed, others."""

        def make() -> System:
            names = ("one", "two")
            return System([parts.Draws(name=n, node=Node(n)) for n in names])

        found = [self.agree(make, 5, seed=seed) for seed in (0, 3)]

        if "record" in self.declared:
            one, other = (item.records["one.output"] for item in found)
            assert list(one) != list(other)
