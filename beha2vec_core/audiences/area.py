"""An area of the map of users: its corners as text, as a rule has it, and as SQL.

The corners say where, not who: a rule with an area names no person, can be reviewed, and selects the users who are
there now.
"""

import re
from collections.abc import Iterable, Sequence

Corners = Sequence[tuple[float, float]]

MOST_CORNERS = 60
_NUMBER = r"-?\d{1,6}(?:\.\d{1,6})?"
_AREA = re.compile(rf"\s*{_NUMBER}\s+{_NUMBER}\s*(?:,\s*{_NUMBER}\s+{_NUMBER}\s*){{2,{MOST_CORNERS - 1}}}")


def simplified(xs: Iterable[float], ys: Iterable[float]) -> list[tuple[float, float]]:
    """The corners of what a person drew, at most 60, with two decimals.

    Corners that change the area least are left out one by one (Visvalingam and Whyatt 1993).
    """
    corners = list(dict.fromkeys((round(float(x), 2), round(float(y), 2)) for x, y in zip(xs, ys, strict=True)))
    changes = [_change(corners, place) for place in range(len(corners))]
    while len(corners) > 3 and (len(corners) > MOST_CORNERS or min(changes) == 0):
        gone = changes.index(min(changes))
        del corners[gone], changes[gone]
        for place in (gone - 1, gone % len(corners)):
            changes[place] = _change(corners, place)
    return corners


def _change(corners: Corners, place: int) -> float:
    """Twice the area of the triangle of a corner and the ones beside it."""
    (ax, ay), (bx, by), (cx, cy) = corners[place - 1], corners[place], corners[(place + 1) % len(corners)]
    return round(abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)), 9)


def as_text(corners: Corners) -> str:
    """The corners as a rule has them: ``1 2, 3 -4.5, 6 7``."""
    return ", ".join(f"{x:g} {y:g}" if max(abs(x), abs(y)) < 1000 else f"{x:.2f} {y:.2f}" for x, y in corners)


def read_area(text: str) -> list[tuple[float, float]]:
    """The corners of a text.

    Raises:
        ValueError: it has no area.
    """
    if not _AREA.fullmatch(text):
        raise ValueError(f"an area is 3 to {MOST_CORNERS} corners, such as '1 2, 3 -4.5, 6 7': draw it on the map")
    pairs = (corner.split() for corner in text.split(","))
    return [(float(x), float(y)) for x, y in pairs]


def inside_sql(corners: Corners) -> str:
    """SQL: whether ``map_x`` and ``map_y`` are within the corners: an odd number of sides is to the right of them."""
    crossed = [
        f"((map_y < {ay!r}) <> (map_y < {by!r}) and map_x < {(bx - ax) / (by - ay)!r} * (map_y - ({ay!r})) + ({ax!r}))"
        for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True)
        if ay != by
    ]
    odd = f"({' + '.join(f'{one}::integer' for one in crossed)}) % 2 = 1" if crossed else "false"
    (left, right), (bottom, top) = ((min(values), max(values)) for values in zip(*corners, strict=True))
    return f"(map_x between {left!r} and {right!r} and map_y between {bottom!r} and {top!r} and {odd})"
