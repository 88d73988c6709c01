# SPDX-License-Identifier: Apache-2.0
"""A chart with logarithmic axes as SVG: one line per series, its name at the line's end."""
import html
import math

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 130, 48, 56
COLOURS = {"alluvium": "#1f6fb4", "loop": "#5c6670", "python": "#b8860b", "streams": "#a23b5b"}
OTHERS = ["#2e8b57", "#7a4fb0", "#c0392b"]
NAME_HEIGHT = 15
STYLE = (".title{font-size:15px;font-weight:bold;fill:#222}.text{font-size:12px;fill:#444}"
         ".grid{stroke:#e4e4e4}.frame{stroke:#999}")


class Axis:
    """From values to places on the picture. Covers whole decades in the parts 1, 2, 5."""

    def __init__(self, values, begin, end):
        self.values = sorted(set(values))
        self.ticks = ticks(self.values[0], self.values[-1])
        self.low, self.high = math.log10(self.ticks[0]), math.log10(self.ticks[-1])
        self.begin, self.end = begin, end

    def place(self, value):
        return self.begin + (self.end - self.begin) * (math.log10(value) - self.low) / (self.high - self.low)


def ticks(low, high):
    """1, 2, 5, 10, ... from the last that is not above `low` to the first that is not below `high`, at least two."""
    steps = [digit * 10.0 ** decade for decade in range(-6, 13) for digit in (1, 2, 5)]
    first = max(index for index, step in enumerate(steps) if step <= low * 1.0001)
    last = min(index for index, step in enumerate(steps) if step >= high * 0.9999)
    return steps[first:max(last, first + 1) + 1]


def written(value):
    if value >= 1e6:
        return f"{value / 1e6:g} million"
    return f"{value:,.0f}" if value >= 100 else f"{value:g}"


def spread(places):
    """The same places, moved downwards where names would stand on each other."""
    moved, last = {}, -math.inf
    for name, place in sorted(places.items(), key=lambda item: item[1]):
        last = max(place, last + NAME_HEIGHT)
        moved[name] = last
    return moved


def grid(x, y):
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value in y.ticks:
        at = y.place(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>'
        yield f'<text class="text" x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{written(value)}</text>'
    for value in x.values:  # A benchmark has a handful, and those are what one wants to read.
        at = x.place(value)
        yield f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{bottom}"/>'
        yield f'<text class="text" x="{at:.1f}" y="{bottom + 18}" text-anchor="middle">{written(value)}</text>'
    yield f'<line class="frame" x1="{LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'


def chart(title, x_name, y_name, series):
    """`series`: name -> points (x, y), all above zero, at least one each."""
    points = [point for line in series.values() for point in line]
    x = Axis([point[0] for point in points], LEFT, WIDTH - RIGHT)
    y = Axis([point[1] for point in points], HEIGHT - BOTTOM, TOP)
    others = iter(OTHERS * len(series))
    colours = {name: COLOURS.get(name) or next(others) for name in series}
    parts = [f'<text class="title" x="{LEFT}" y="22">{html.escape(title)}</text>',
             f'<text class="text" x="{LEFT}" y="39">{html.escape(y_name)}</text>',
             f'<text class="text" x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 14}" text-anchor="middle">{html.escape(x_name)}</text>',
             *grid(x, y)]
    ends = {}
    for name, line in series.items():
        placed = [(x.place(a), y.place(b)) for a, b in sorted(line)]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in placed)
        width = 2.5 if name == "alluvium" else 1.5
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colours[name]}" stroke-width="{width}"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colours[name]}"><title>{name}: {written(p)}, {q:.3g}</title></circle>'
                  for (a, b), (p, q) in zip(placed, sorted(line))]
        ends[name] = placed[-1]
    names = spread({name: place[1] for name, place in ends.items()})
    parts += [f'<text class="text" x="{ends[name][0] + 8:.1f}" y="{at + 4:.1f}" style="fill:{colours[name]}">'
              f'{html.escape(name)} {sorted(series[name])[-1][1]:.3g}</text>' for name, at in names.items()]
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">\n'
            f'<style>{STYLE}</style>\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n')
