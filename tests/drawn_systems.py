"""Systems to draw: a small one that has every mark, and a large one."""

from __future__ import annotations

import random

from like_keras_core.report import ComponentReport, ConnectionReport, RunReport
from like_keras_core.spec import (
    ComponentSpec,
    ConnectionSpec,
    DelaySpec,
    NodeSpec,
    PortSpec,
    SystemSpec,
)

_PARTS = ("camera", "filter", "detector", "tracker", "fusion", "planner", "motor")


def small() -> SystemSpec:
    """Return five components on three nodes of two machines."""

    def part(
        name: str, node: str, *inputs: PortSpec, output: str = "float"
    ) -> ComponentSpec:
        return ComponentSpec(
            name=name,
            node=node,
            entry_point=f"robot.parts:{name.title()}",
            inputs=inputs,
            outputs=(PortSpec(name="output", type=output),),
        )

    hold = PortSpec(name="pose", type="float", policy="hold")
    latest = PortSpec(name="odometry", type="float", policy="latest")
    register = DelaySpec(initial=0.0)
    return SystemSpec(
        name="face_follower",
        rate_hz=30,
        nodes=(
            NodeSpec(name="sensors"),
            NodeSpec(name="vision", machine="jetson", engine="dora"),
            NodeSpec(name="control"),
        ),
        components=(
            part("camera", "sensors", output="numpy.ndarray"),
            part("detector", "vision", PortSpec(name="image", type="numpy.ndarray")),
            part("tracker", "vision", PortSpec(name="boxes", type="list"), latest),
            part("planner", "control", PortSpec(name="track", type="dict"), hold),
            part("motors", "control", PortSpec(name="command", type="float")),
        ),
        connections=(
            ConnectionSpec(source="camera.output", target="detector.image"),
            ConnectionSpec(source="detector.output", target="tracker.boxes"),
            ConnectionSpec(source="tracker.output", target="planner.track"),
            ConnectionSpec(source="planner.output", target="motors.command"),
            ConnectionSpec(
                source="motors.output", target="planner.pose", delay=register
            ),
            ConnectionSpec(
                source="motors.output", target="tracker.odometry", delay=register
            ),
        ),
    )


def large(size: int = 200, nodes: int = 12) -> SystemSpec:
    """Return many components, connected by chance; the same ones each time."""
    dice = random.Random(1)
    names = [
        f"{'perception.' * (n % 7 == 0)}{dice.choice(_PARTS)}_{n}" for n in range(size)
    ]
    homes = [n * nodes // size for n in range(size)]
    components, connections = [], []
    for n, name in enumerate(names):
        near = [m for m in range(max(0, n - 12), n) if homes[m] == homes[n]]
        far = list(range(max(0, n - 40), n))
        inputs = []
        for k in range(dice.choice([0, 1, 1, 1, 2, 2, 3]) if near else len(far[:1])):
            source = dice.choice(near if near and dice.random() < 0.85 else far)
            policy = dice.choice(["sync"] * 8 + ["hold", "latest"])
            inputs.append(PortSpec(name=f"in_{k}", type="float", policy=policy))
            connections.append(
                ConnectionSpec(source=f"{names[source]}.out", target=f"{name}.in_{k}")
            )
        if n < size // 2 and n % 10 == 5:
            inputs.append(PortSpec(name="back", type="float"))
            connections.append(
                ConnectionSpec(
                    source=f"{names[n + size // 3]}.out",
                    target=f"{name}.back",
                    delay=DelaySpec(initial=0.0),
                )
            )
        components.append(
            ComponentSpec(
                name=name,
                node=f"node_{homes[n]}",
                entry_point="robot.parts:Part",
                inputs=tuple(inputs),
                outputs=(PortSpec(name="out", type="float"),),
            )
        )
    machines = ("local", "jetson", "192.168.1.20")
    return SystemSpec(
        name="warehouse_robot",
        nodes=tuple(
            NodeSpec(name=f"node_{n}", machine=machines[3 * n // nodes])
            for n in range(nodes)
        ),
        components=tuple(components),
        connections=tuple(connections),
    )


def run_of(spec: SystemSpec) -> RunReport:
    """Return the report of a run that never was."""
    dice = random.Random(2)
    return RunReport(
        engine="native",
        system=spec.name,
        iterations=3000,
        duration_s=100.0,
        components={
            item.name: ComponentReport(
                fired=dice.randrange(2000, 3000),
                busy_s=90 * dice.random() ** 3,
                latency_p50_s=dice.random() ** 4 * 1e-2,
                latency_p99_s=dice.random() * 3e-2,
            )
            for item in spec.components
        },
        connections={
            str(item): ConnectionReport(messages=3000, bytes=dice.randrange(10**8))
            for item in spec.connections
        },
        spec=spec,
    )
