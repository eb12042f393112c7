#!/usr/bin/env python3
"""Draws the curves of `longview bench --json` as SVG pictures; needs nothing but Python.

    longview bench memory --json > bench.json
    tools/plot_bench.py bench.json --out assets/pictures

Writes OUT/bench_<name>_<model>.svg for every table that has columns marked "drawn", over its first column, on
logarithmic axes; one picture for each name in its column "model". A table whose "picture" is "heat" becomes a field of
shares from 0 to 1 instead, OUT/bench_<name>.svg: a column for each drawn one, a row for each of its rows.
"""

import argparse
import json
import math
import pathlib
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 84, 222, 56, 64
COLORS = ["#1f6feb", "#d1495b", "#2a9d6f", "#8957e5", "#b7791f", "#57606a"]
STYLE = "font-family:Inter,'Segoe UI',Helvetica,Arial,sans-serif"


def size_text(value, unit):
    if unit == "bytes":
        for name in ["B", "KiB", "MiB", "GiB", "TiB"]:
            if value < 1024 or name == "TiB":
                return f"{value:.3g} {name}"
            value /= 1024
    if unit in ("", "1/s"):
        for name, step in [("G", 2**30), ("M", 2**20), ("K", 2**10)]:
            if unit == "" and value >= step and value % step == 0:
                return f"{int(value // step)}{name}"
        return f"{value:.3g}" + ("/s" if unit else "")
    return f"{value:.3g} {unit}"


def ticks(low, high, unit):
    """Powers of ten (of 16 for bytes) that cover [low, high]."""
    base = 16 if unit == "bytes" else 10
    first = math.floor(math.log(low, base) + 1e-9)
    last = math.ceil(math.log(high, base) - 1e-9)
    return [base**e for e in range(first, max(last, first + 1) + 1)]


class Axis:
    def __init__(self, low, high, start, end):
        self.low, self.high, self.start, self.end = math.log(low), math.log(high), start, end

    def at(self, value):
        share = (math.log(value) - self.low) / (self.high - self.low or 1)
        return self.start + share * (self.end - self.start)


def text(x, y, words, size=13, anchor="start", color="#57606a", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{color}" '
            f'font-weight="{weight}">{escape(words)}</text>')


def labels_apart(wanted, gap=17):
    """Moves label heights apart, keeping their order."""
    placed = []
    for y, index in sorted(wanted):
        placed.append((max(y, placed[-1][0] + gap) if placed else y, index))
    return placed


def by_model(table):
    """The table once for each model: (model, table with its rows alone)."""
    names = [column["name"] for column in table["columns"]]
    if "model" not in names:
        return [("", table)]
    at = names.index("model")
    models = list(dict.fromkeys(row[at] for row in table["rows"]))
    return [(model, {**table, "rows": [row for row in table["rows"] if row[at] == model]}) for model in models]


def picture(table, model):
    x_column, drawn = table["columns"][0], [i for i, c in enumerate(table["columns"]) if c["drawn"]]
    unit = table["columns"][drawn[0]]["unit"]
    curves = [[(r[0], r[i]) for r in table["rows"] if r[i]] for i in drawn]
    xs = sorted({x for curve in curves for x, _ in curve})
    y_ticks = ticks(min(y for c in curves for _, y in c), max(y for c in curves for _, y in c), unit)
    x_axis = Axis(xs[0], xs[-1], LEFT, WIDTH - RIGHT)
    y_axis = Axis(y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" style="{STYLE}">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="#ffffff"/>',
           text(24, 30, table["title"] + (f" ({model})" if model else ""), 15, color="#1f2328", weight="600")]
    for tick in y_ticks:
        y = y_axis.at(tick)
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d8dee4"/>')
        out.append(text(LEFT - 10, y + 4, size_text(tick, unit), 12, "end"))
    for x in xs:
        out.append(text(x_axis.at(x), HEIGHT - BOTTOM + 22, size_text(x, x_column["unit"]), 12, "middle"))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, x_column["name"], 12, "middle"))
    ends = labels_apart([(y_axis.at(curve[-1][1]), i) for i, curve in enumerate(curves)])
    for label_y, i in ends:
        points = " ".join(f"{x_axis.at(x):.1f},{y_axis.at(y):.1f}" for x, y in curves[i])
        color = COLORS[i % len(COLORS)]
        out.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2.5"/>')
        out += [f'<circle cx="{x_axis.at(x):.1f}" cy="{y_axis.at(y):.1f}" r="3.5" fill="{color}"/>' for x, y in curves[i]]
        label = f'{table["columns"][drawn[i]]["name"]} {size_text(curves[i][-1][1], unit)}'
        out.append(text(WIDTH - RIGHT + 12, label_y + 4, label, 13, color=color, weight="600"))
    return "\n".join(out + ["</svg>"]) + "\n"


def heat_color(share):
    """Red over pale yellow to blue-green, readable to the colour-blind."""
    stops = [(0.0, (178, 52, 69)), (0.5, (247, 229, 173)), (1.0, (34, 132, 118))]
    for (low, a), (high, b) in zip(stops, stops[1:]):
        if share <= high:
            part = (share - low) / (high - low)
            return "#" + "".join(f"{round(x + part * (y - x)):02x}" for x, y in zip(a, b))
    return "#228476"


def heat(table):
    drawn = [i for i, c in enumerate(table["columns"]) if c["drawn"]]
    wide, high, left, top = 92, 30, 96, 84
    width, height = max(left + wide * len(drawn) + 28, 540), top + high * len(table["rows"]) + 28
    title, _, how = table["title"].partition(" (")
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" style="{STYLE}">',
           f'<rect width="{width}" height="{height}" rx="10" fill="#ffffff"/>',
           text(24, 30, title, 13.5, color="#1f2328", weight="600"), text(24, 49, how.rstrip(")"), 12),
           text(left - 12, top - 10, table["columns"][0]["name"], 12, "end")]
    for k, i in enumerate(drawn):
        out.append(text(left + wide * (k + 0.5), top - 10, table["columns"][i]["name"], 12, "middle", weight="600"))
    for r, row in enumerate(table["rows"]):
        y = top + high * r
        out.append(text(left - 12, y + 20, f"{100 * row[0]:.0f} %", 12, "end"))
        for k, i in enumerate(drawn):
            color = "#eeeeee" if row[i] is None else heat_color(row[i])
            ink = "#ffffff" if row[i] is not None and abs(row[i] - 0.5) > 0.33 else "#1f2328"
            label = "-" if row[i] is None else f"{row[i]:.2f}"
            out.append(f'<rect x="{left + wide * k + 1}" y="{y + 1}" width="{wide - 2}" height="{high - 2}" rx="4" '
                       f'fill="{color}"/>')
            out.append(text(left + wide * (k + 0.5), y + 20, label, 12.5, "middle", ink))
    return "\n".join(out + ["</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("json", type=pathlib.Path, help="what `longview bench --json` printed")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("."), help="folder for the pictures")
    options = parser.parse_args()
    tables = json.loads(options.json.read_text())["benches"]
    options.out.mkdir(parents=True, exist_ok=True)
    for table in tables:
        if not any(column["drawn"] for column in table["columns"]):
            continue
        if table.get("picture") == "heat":
            path = options.out / f'bench_{table["name"]}.svg'
            path.write_text(heat(table))
            print(path)
            continue
        for model, part in by_model(table):
            path = options.out / ("_".join(filter(None, ["bench", table["name"], model])) + ".svg")
            path.write_text(picture(part, model))
            print(path)


if __name__ == "__main__":
    main()
