"""Follow a face with a camera that pans over a photograph.

The camera sweeps to the right and back. The detector finds the face with a cascade
that was trained on real faces; the tracker smooths what it finds, and coasts where the
face has left the picture. Photograph and cascade come with scikit-image: nothing is
downloaded. The result is a contact sheet, `face_tracking.png`: green boxes are tracked,
red ones are remembered. `--engine dora` gives the camera a process of its own.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from skimage import data
from skimage.feature import Cascade

from like_keras_core import Component, Node, System


class Box(NamedTuple):
    """A rectangle: its upper left corner and its size [px]."""

    x: float
    y: float
    width: float
    height: float


class View(NamedTuple):
    """What the camera sends: each field is an output port."""

    image: np.ndarray
    corner: tuple[int, int]


class Track(NamedTuple):
    """What the tracker sends."""

    box: Box
    missed: int


class Camera(Component):
    """A window that pans over a photograph.

    Outputs:
        image: uint8, shape `(240, 320, 3)`.
        corner: Where its upper left corner is in the photograph, `(x, y)` [px].
    """

    @dataclass
    class Config:
        width: int = 320
        height: int = 240
        sweep: int = 60  # ticks to the right and back

    def on_configure(self) -> None:
        self.photo = data.astronaut()
        self.tick = 0

    def forward(self) -> View:
        phase = 2 * math.pi * self.tick / self.config.sweep
        self.tick += 1
        x = round((512 - self.config.width) * (1 - math.cos(phase)) / 2)
        y = round(80 * (1 - math.cos(2 * phase)) / 2)
        image = self.photo[y : y + self.config.height, x : x + self.config.width]
        return View(image, (x, y))


class Detector(Component):
    """Finds faces: a boosted cascade on local binary patterns."""

    def on_configure(self) -> None:
        self.cascade = Cascade(data.lbp_frontal_face_cascade_filename())

    def forward(self, image: np.ndarray) -> list[Box]:
        found = self.cascade.detect_multi_scale(
            image,
            scale_factor=1.2,
            step_ratio=1,
            min_size=(80, 80),
            max_size=(160, 160),
        )
        return sorted(Box(f["c"], f["r"], f["width"], f["height"]) for f in found)


class Tracker(Component):
    """Smooths the boxes of one face, and remembers it while it is not seen.

    Outputs:
        box: In pixels of the photograph; absent until a face was seen.
        missed: For how many ticks it was not seen.
    """

    @dataclass
    class Config:
        gain: float = 0.4  # weight of a new box
        patience: int = 30  # ticks without a box until the face is given up

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config=config)
        self.track: Track | None = None

    def forward(self, boxes: list[Box], corner: tuple[int, int]) -> Track | None:
        old = self.track
        if boxes:
            x, y, width, height = boxes[0]
            box = Box(x + corner[0], y + corner[1], width, height)
            self.track = Track(self.blend(box), 0)
        elif old is not None and old.missed < self.config.patience:
            self.track = Track(old.box, old.missed + 1)
        else:
            self.track = None
        return self.track

    def blend(self, new: Box) -> Box:
        """Move the box of the track towards a new one."""
        if self.track is None:
            return new
        pairs = zip(self.track.box, new, strict=True)
        return Box(*(old + self.config.gain * (it - old) for old, it in pairs))


class Painter(Component):
    """Draws the track into each image, and pastes some of them into one picture."""

    @dataclass
    class Config:
        path: str = "face_tracking.png"
        step: int = 5  # ticks from one pasted image to the next
        columns: int = 4

    def on_configure(self) -> None:
        self.pictures: list[np.ndarray] = []
        self.tick = 0

    def forward(
        self, image: np.ndarray, corner: tuple[int, int], box: Box, missed: int
    ) -> None:
        picture = Image.fromarray(image)  # a copy: what arrives is read-only
        x, y = box.x - corner[0], box.y - corner[1]
        colour = (255, 60, 60) if missed else (0, 220, 90)
        corners = (x, y, x + box.width, y + box.height)
        ImageDraw.Draw(picture).rectangle(corners, outline=colour, width=3)
        if self.tick % self.config.step == 0:
            self.pictures.append(np.asarray(picture))
        self.tick += 1

    def on_shutdown(self) -> None:
        n = self.config.columns
        full = len(self.pictures) // n * n
        rows = [np.hstack(self.pictures[i : i + n]) for i in range(0, full, n)]
        if rows:
            Image.fromarray(np.vstack(rows)).save(self.config.path)


def make_robot() -> System:
    """Connect a camera, a detector, a tracker and a painter."""
    camera, detector, tracker, painter = Camera(), Detector(), Tracker(), Painter()
    camera.node = Node("eye")
    detector.node = tracker.node = painter.node = Node("brain")
    view = camera()
    boxes = detector(view.image)
    track = tracker(boxes, view.corner)
    painter(view.image, view.corner, track.box, track.missed)
    return System([camera, detector, tracker, painter], name="face_tracking")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", default="native", help="see `lk engines list`")
    engine = parser.parse_args().engine
    report = make_robot().launch(60, engine=engine, record="tracker.missed")
    print(report)
    missed = [count for _, count in report.records["tracker.missed"]]
    seen = missed.count(0)
    print(f"\nThe face was seen at {seen} ticks, remembered at {len(missed) - seen}.")
    print(f"The picture is {Path('face_tracking.png').resolve()}")
