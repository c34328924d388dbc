"""Balance a pole on a cart: an agent and its environment, in a loop.

The loop needs a delay, since the controller acts on what the last action led to. Ends
with exit code 1 if the pole falls.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import gymnasium
import numpy as np

from like_keras_core import Component, EndOfStream, System


class CartPole(Component):
    """Gymnasium's cart with a pole; ends the run when the pole has fallen.

    Inputs:
        action: 0 pushes the cart to the left, 1 to the right.

    Outputs:
        output: Position [m], velocity [m/s], angle [rad], angular velocity [rad/s].
    """

    def on_configure(self) -> None:
        self.env = gymnasium.make("CartPole-v1")
        self.env.reset(seed=7)

    def forward(self, action: int) -> np.ndarray:
        state, _, has_fallen, _, _ = self.env.step(action)
        if has_fallen:
            raise EndOfStream
        return np.asarray(state)

    def on_shutdown(self) -> None:
        self.env.close()


class Controller(Component):
    """Pushes to the side to which the pole, and a little the cart, is moving."""

    @dataclass
    class Config:
        gains: tuple[float, ...] = (0.1, 0.3, 1.0, 0.5)

    def forward(self, state: np.ndarray) -> int:
        return int(np.dot(self.config.gains, state) > 0)


def make_loop() -> System:
    """Close the loop over a delay, which begins with a pole at rest."""
    cart, controller = CartPole(), Controller()
    cart(controller(cart.outputs.output.delay(initial=np.zeros(4, np.float32))))
    return System([controller, cart], name="pendulum")


if __name__ == "__main__":
    report = make_loop().launch(iterations=500, record="cart_pole.output")
    print(report)
    angle = max(abs(state[2]) for _, state in report.records["cart_pole.output"])
    print(f"\nThe pole leaned {np.degrees(angle):.1f} degrees at most.")
    if report.iterations < 500:
        sys.exit(f"It fell at tick {report.iterations}.")
    print("It stood for all 500 ticks.")
