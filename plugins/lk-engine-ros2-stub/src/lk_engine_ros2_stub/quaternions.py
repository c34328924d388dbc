"""Rotations as quaternions (x, y, z, w) of length one.

References:
    Diebel, *Representing Attitude: Euler Angles, Unit Quaternions, and Rotation
    Vectors*, Stanford, 2006. Shepperd, *Quaternion from Rotation Matrix*, J. Guidance
    and Control 1(3), 1978. Shoemake, *Animating Rotation with Quaternion Curves*,
    SIGGRAPH 1985.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

_NEARLY_ONE = 1.0 - 1e-9
"""From this cosine on, an arc is as good as its chord."""


def product(a: Vector, b: Vector) -> Vector:
    """Return the rotation `b`, followed by the rotation `a`."""
    av, aw, bv, bw = a[:3], a[3], b[:3], b[3]
    vector = aw * bv + bw * av + np.cross(av, bv)
    return unit(np.append(vector, aw * bw - av @ bv))


def conjugate(a: Vector) -> Vector:
    """Return the rotation the other way round."""
    found: Vector = a * np.array([-1.0, -1.0, -1.0, 1.0])
    return found


def rotate(a: Vector, points: npt.ArrayLike) -> Vector:
    """Return points, of shape (..., 3), rotated."""
    found: Vector = np.asarray(points, np.float64) @ to_matrix(a).T
    return found


def unit(a: npt.ArrayLike) -> Vector:
    """Return a quaternion of length one.

    Raises:
        ValueError: It has none, or is not finite.
    """
    given = np.asarray(a, np.float64)
    length = float(np.linalg.norm(given)) if given.shape == (4,) else np.nan
    if not np.isfinite(length) or length < 1e-12:
        raise ValueError(
            f"a rotation is four finite numbers x, y, z, w, not all 0; got {given}."
        )
    return given / length


def to_matrix(a: Vector) -> Vector:
    """Return the 3x3 matrix of a rotation."""
    x, y, z, w = a
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def from_matrix(matrix: npt.ArrayLike) -> Vector:
    """Return the rotation of a 3x3 matrix, by its largest component."""
    m: Any = np.asarray(matrix, np.float64)
    squares = np.array([m[0, 0], m[1, 1], m[2, 2], np.trace(m)])
    n = int(np.argmax(squares))
    found = np.empty(4)
    if n == 3:
        found[:3] = m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
        found[3] = 1 + squares[3]
    else:
        i, j, k = n, (n + 1) % 3, (n + 2) % 3
        found[i] = 1 + m[i, i] - m[j, j] - m[k, k]
        found[j] = m[j, i] + m[i, j]
        found[k] = m[k, i] + m[i, k]
        found[3] = m[k, j] - m[j, k]
    return unit(found)


def slerp(a: Vector, b: Vector, share: float) -> Vector:
    """Return the rotation between two, on the shorter arc.

    Args:
        a: The first.
        b: The second.
        share: How far from the first to the second, from 0 to 1.
    """
    cosine = float(a @ b)
    if cosine < 0:
        b, cosine = -b, -cosine
    if cosine > _NEARLY_ONE:
        return unit(a + share * (b - a))
    angle = np.arccos(cosine)
    first, second = np.sin((1 - share) * angle), np.sin(share * angle)
    return unit((first * a + second * b) / np.sin(angle))
