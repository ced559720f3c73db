"""Rows against time and against memory, as SVG that is readable on light and on dark pages."""

import math
from html import escape

from promises import MB, NAMES
from report import figure

WIDTH, HEIGHT = 870, 460
LEFT, RIGHT, TOP, BOTTOM = 84, 280, 44, 50
# Between two labels at the ends of lines.
LINE = 17
OURS = "#2f81f7"
FLOOR = "#8b949e"
# Bright enough on black, dark enough on white.
PEERS = ("#e5534b", "#c69026", "#57ab5a", "#b083f0", "#2fa7a0", "#ec775c", "#d6409f", "#7d8590")
STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #424a53 }
.title { font-size: 15px; font-weight: 600 }
.ours { font-weight: 700 }
.grid { stroke: #8b949e; stroke-opacity: .25 }
@media (prefers-color-scheme: dark) { text { fill: #c9d1d9 } }
"""


def draw(results, folder):
    """Writes one plot for each database and figure; returns (file, title) of each."""
    drawn = []
    for database in results.databases():
        for field, unit, scale, what in (("wall", "s", 1, "time"), ("peak", "MB", MB, "peak memory")):
            lines = series(results, database, field, scale)
            if lines:
                title = f"{NAMES[database]}: a first load, {what}"
                file = f"{database}-{'time' if field == 'wall' else 'memory'}.svg"
                folder.mkdir(parents=True, exist_ok=True)
                (folder / file).write_text(svg(title, unit, lines), encoding="utf-8")
                drawn.append((file, title))
    return drawn


def series(results, database, field, scale):
    """(label, kind, [(rows, value)]) for each contender that has at least one value."""
    lines = {}
    for size in results.sizes("end to end", database):
        for name, label, kind in results.contenders("end to end", database, size):
            value = results.median("end to end", database, size, name, "first", field)
            if value is not None:
                lines.setdefault(name, (name.replace("ours", "onelogin-sync"), kind, []))[2].append((size, value / scale))
    return list(lines.values())


def svg(title, unit, lines):
    points = [point for _, _, line in lines for point in line]
    x = axis([rows for rows, _ in points], LEFT, WIDTH - RIGHT)
    y = axis([value for _, value in points], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<text class="title" x="{LEFT}" y="22">{escape(title)} ({unit}; both scales are logarithmic)</text>',
        *grid(x, y, points, unit),
    ]
    peers = iter(PEERS * len(lines))
    ends = []
    last = max(rows for rows, _ in points)
    for label, kind, line in lines:
        color = {"ours": OURS, "floor": FLOOR}.get(kind) or next(peers)
        parts += curve(line, x, y, color, kind, "none" in label)
        rows, value = line[-1]
        if rows == last:
            ends.append((y(value), label, kind, color, x(rows), value))
        else:
            # It was not measured further; its name is where its line ends.
            parts.append(f'<text x="{x(rows) + 8:.1f}" y="{y(value) + 4:.1f}" style="fill:{color}">{escape(label)}, '
                         f"{figure(value)} {unit}</text>")
    parts += labels(ends, unit)
    return "\n".join([*parts, "</svg>"]) + "\n"


def axis(values, start, end):
    """A logarithmic scale that holds these values, whole powers of ten at its ends."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)
    return lambda value: start + (math.log10(value) - low) / (high - low) * (end - start)


def powers(values):
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return [10.0 ** power for power in range(low, max(high, low + 1) + 1)]


def grid(x, y, points, unit):
    for rows in powers([rows for rows, _ in points]):
        at = x(rows)
        yield f'<line class="grid" x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{HEIGHT - BOTTOM}"/>'
        yield f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{rows:,.0f}</text>'
    for value in powers([value for _, value in points]):
        at = y(value)
        yield f'<line class="grid" x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" y2="{at:.1f}"/>'
        yield f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{value:,.6g} {unit}</text>'
    yield f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">failures</text>'


def curve(line, x, y, color, kind, is_variant):
    dashes = {"floor": ' stroke-dasharray="2 4"'}.get(kind, ' stroke-dasharray="8 4"' if is_variant else "")
    width = 3 if kind == "ours" else 1.6
    path = " ".join(f"{x(rows):.1f},{y(value):.1f}" for rows, value in line)
    yield f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}"{dashes}/>'
    for rows, value in line:
        yield f'<circle cx="{x(rows):.1f}" cy="{y(value):.1f}" r="{width + .5}" fill="{color}"/>'


def labels(ends, unit):
    """Names at the right, in the order of the lines' ends, none over another."""
    ends.sort()
    heights = [end[0] for end in ends]
    for number in range(1, len(heights)):
        heights[number] = max(heights[number], heights[number - 1] + LINE)
    # What was pushed below the axis pushes the others up.
    over = max(0, heights[-1] - (HEIGHT - BOTTOM)) if heights else 0
    for number in reversed(range(len(heights))):
        below = heights[number + 1] - LINE if number + 1 < len(heights) else heights[number] - over
        heights[number] = min(heights[number], below)
    for height, (at, label, kind, color, end, value) in zip(heights, ends):
        left = WIDTH - RIGHT + 22
        yield (f'<polyline points="{end + 5:.1f},{at:.1f} {left - 4},{height:.1f}" fill="none" '
               f'stroke="{color}" stroke-opacity=".5"/>')
        name = "ours" if kind == "ours" else "theirs"
        yield (f'<text class="{name}" x="{left}" y="{height + 4:.1f}" style="fill:{color}">'
               f"{escape(label)}, {figure(value)} {unit}</text>")
