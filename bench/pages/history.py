"""Charts of each measurement over commits, one machine per chart."""
import html

from drawing import counted, key, line, mark, round_step, seconds, table, text

WIDTH, HEIGHT = 560, 290
LEFT, RIGHT = 62, 16
TIMES, RATIOS = (14, 160), (184, 250)  # top and bottom of the panels
NOT_MEASURED = "not measured"


def panel(top, bottom, most, unit):
    """A grid from 0 to at least `most`, and a function from values to positions."""
    step = round_step(most, 4 if bottom - top > 100 else 2)
    high = step * -(-most // step)
    place = lambda value: bottom - value / high * (bottom - top)
    svg, value = [], 0
    while value <= high * 1.001:
        svg += [line("grid", [(LEFT, place(value)), (WIDTH - RIGHT, place(value))]),
                text(LEFT - 8, place(value) + 4, unit(value), "end")]
        value += step
    return svg, place


def series(kind, points):
    """points: (x, y, title) in order of time."""
    joined = [line(f"joined {kind}", [(x, y) for x, y, _ in points])] if len(points) > 1 else []
    return joined + [mark(kind, *point) for point in points]


def chart(case, measurements):
    """Times at the top, the ratio below, over the same commits."""
    count = len(measurements)
    xs = [LEFT + (WIDTH - LEFT - RIGHT) * (k + 0.5) / count for k in range(count)]
    times = [one[0] for measurement in measurements for one in (measurement.ours, measurement.peer) if one]
    svg, at_time = panel(*TIMES, max(times), lambda value: seconds(value) if value else "0")
    for kind in ("ours", "peer"):
        of_kind = [(x, measurement, getattr(measurement, kind)) for x, measurement in zip(xs, measurements)]
        svg += series(kind, [(x, at_time(one[0]), f"{measurement.of}: {seconds(one[0])}, {one[1]}")
                             for x, measurement, one in of_kind if one])
    ratios = [measurement.ratio for measurement in measurements]
    if any(ratios):
        grid, at_ratio = panel(*RATIOS, max(filter(None, ratios)), lambda value: f"{counted(value)}×" if value else "0")
        svg += grid + series("ratio", [(x, at_ratio(ratio), f"{measurement.of}: {ratio:.2f} times as fast")
                                       for x, measurement, ratio in zip(xs, measurements, ratios) if ratio])
    else:
        svg.append(text((LEFT + WIDTH - RIGHT) / 2, sum(RATIOS) / 2, f"ratio: {NOT_MEASURED}"))
    every = -(-count // 6)
    for k in range(count - 1, -1, -every):  # the newest is always labelled
        svg += [text(xs[k], HEIGHT - 24, measurements[k].date), text(xs[k], HEIGHT - 9, measurements[k].commit[:7])]
    last = measurements[-1]
    ours, peer = (f"{seconds(one[0])} ({one[1]})" if one else NOT_MEASURED for one in (last.ours, last.peer))
    return (f'<figure>\n<h2>{html.escape(case)}</h2>\n<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{html.escape(case)} over commits">\n' + "\n".join(svg) + "\n</svg>\n"
            + key({"ours": f"sapnet: {ours}", "peer": f"fastest peer: {peer}", "ratio": "how many times as fast"})
            + "</figure>\n")


def figures(cases):
    rows = [[f"{case}, {one.of}",
             *(seconds(pair[0]) if pair else NOT_MEASURED for pair in (one.ours, one.peer)),
             one.peer[1] if one.peer else NOT_MEASURED, f"{one.ratio:.2f}×" if one.ratio else NOT_MEASURED]
            for case, measurements in cases.items() for one in measurements]
    return ("<details>\n<summary>All figures</summary>\n"
            + table(["", "sapnet", "fastest peer", "which", "faster"], rows) + "\n</details>\n")


def history(results):
    """One section per machine."""
    gpu = f'<section>\n<h2 class="machine">On a GPU</h2>\n<p class="run">{NOT_MEASURED}</p>\n</section>\n'
    return "".join(
        f'<section>\n<h2 class="machine">{html.escape(machine)}</h2>\n<div class="curves">\n'
        + "".join(chart(case, measurements) for case, measurements in cases.items())
        + f"</div>\n{figures(cases)}</section>\n" for machine, cases in results.history.items()) + (
            "" if results.on_gpu else gpu)
