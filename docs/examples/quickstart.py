"""A car drives at a wall: a range sensor and a brake, in a chain."""

from like_keras_core import Component, System


class Range(Component):
    distance = 2.0

    def forward(self) -> float:  # no parameters: it fires once a tick
        self.distance -= 0.05
        return self.distance


class Brake(Component):
    def forward(self, distance: float) -> bool:  # fires when a distance arrives
        return distance < 0.5


car = System([Range(), Brake()])
report = car.launch(iterations=40, record="brake.output")
print(report)
braking = [tick for tick, is_on in report.records["brake.output"] if is_on]
print("It brakes from tick", braking[0])
