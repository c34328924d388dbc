"""Tests of inputs that take what is there, and of those that take it again."""

from __future__ import annotations

from like_keras_core.graph.choices import Choices, PairTable, pairs_in
from like_keras_core.runtime.host.choosing_buffers import (
    InputRules,
    LooseBuffer,
    PunctualBuffer,
    RecallBuffer,
)
from like_keras_core.runtime.host.input_buffers import InputBuffer, PortBuffer


def took(buffer: LooseBuffer) -> dict[int, int]:
    """Return what a buffer has noted."""
    return dict(pairs_in(buffer.took()))


def test_it_never_takes_a_value_of_a_later_tick() -> None:
    """That one waits, and the one before it is taken once more."""
    buffer = LooseBuffer("a.x", "latest")
    buffer.arrive(0, "zero")
    buffer.arrive(3, "three")

    assert [buffer.take(tick) for tick in range(5)] == [
        *("zero", "zero", "zero", "three", "three")
    ]


def test_what_hold_gives_is_not_noted() -> None:
    """Known when it is taken, or when the next value comes."""
    buffer = LooseBuffer("a.x", "latest")
    buffer.arrive(0, "zero")
    buffer.resolve(1)
    taken = [buffer.take(0), buffer.take(1), buffer.take(2)]

    assert taken == ["zero"] * 3
    assert took(buffer) == {2: 0}  # there may be a value of tick 2
    buffer.arrive(3, "three")
    assert took(buffer) == {}


def test_what_hold_does_not_give_is_noted() -> None:
    """With the tick of the value that was taken instead, -1 for none."""
    buffer = LooseBuffer("a.x", "hold")
    taken = [buffer.take(0), buffer.take(1)]
    buffer.arrive(1, "one")
    taken += [buffer.take(2), buffer.take(3)]
    buffer.resolve(2)
    buffer.arrive(3, "three")

    assert taken == [None, None, "one", "one"]
    assert took(buffer) == {1: -1, 3: 1}


def test_after_a_delay_the_value_is_of_an_earlier_tick() -> None:
    """And what is noted is where a register has another one."""
    buffer = LooseBuffer("a.x", "delay", "initial")
    buffer.arrive(0, "zero")
    taken = [buffer.take(0), buffer.take(1), buffer.take(2)]
    buffer.arrive(1, "one")

    assert taken == ["initial", "zero", "zero"]
    assert took(buffer) == {2: 0}


def test_a_reader_that_is_behind_gets_on() -> None:
    """Where there is no room, values are lost at the end of the queue, and noted."""
    buffer = LooseBuffer("a.x", "latest", room=2)
    for tick in range(6):
        buffer.arrive(tick, tick)

    assert [buffer.take(tick) for tick in range(6)] == [0, 0, 0, 0, 0, 5]
    assert took(buffer) == dict.fromkeys(range(5), 0)


def test_it_keeps_no_credit() -> None:
    """Its producer may send, whatever it has finished."""
    channel = PortBuffer("a.x", window=1)
    channel.inlets.append(LooseBuffer("b.x", "latest"))

    for tick in range(5):
        assert channel.has_credit
        channel.send(tick, tick)


def test_a_later_run_waits_for_what_was_taken() -> None:
    """Not for the value of the tick, where that is another one."""
    buffer = RecallBuffer(
        "a.x", "latest", took=PairTable(((1, 1, 1, -1, 0), (3, 2, 1, 1, 0)))
    )
    buffer.arrive(1, "one")

    assert buffer.is_ready(1)
    assert buffer.take(1) is None
    assert not buffer.is_ready(2)
    assert buffer.is_ready(3)
    buffer.arrive(2, "two")
    buffer.finish(2)
    assert buffer.take(2) == "two"
    assert buffer.take(3) == "two"  # it never takes an older one than before


def test_a_result_that_comes_late_is_not_had() -> None:
    """A sync input of results waits for none of them."""
    buffer = PunctualBuffer("a.x", "sync", takes=2)

    assert buffer.is_known(1)
    assert not buffer.is_known(2)
    assert buffer.take(2) is None
    buffer.finish(2)
    buffer.arrive(2, "late")
    buffer.arrive(4, "four")
    assert [buffer.take(3), buffer.take(4)] == [None, "four"]


def test_a_run_reads_its_inputs_by_one_rule() -> None:
    """By the policy, whether it skips, and what it repeats."""
    plain, skips = InputRules(), InputRules(skips=True)
    repeats = InputRules(choices=Choices(took={"a.x": ((0, 1, 1, -1, 0),)}))

    def kind(rules: InputRules, policy: str, takes: int = 0, at: str = "a.x") -> type:
        return type(rules.buffer(at, policy, takes=takes))

    assert kind(plain, "hold") is kind(plain, "sync") is InputBuffer
    assert kind(plain, "latest") is LooseBuffer
    assert kind(skips, "hold") is kind(skips, "delay") is LooseBuffer
    assert kind(skips, "sync") is InputBuffer
    assert kind(skips, "sync", takes=3) is PunctualBuffer
    assert kind(repeats, "latest") is RecallBuffer
    assert kind(repeats, "latest", at="b.x") is InputBuffer
