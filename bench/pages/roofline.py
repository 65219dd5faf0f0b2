"""Rooflines (Williams et al. 2009): operations under the machine's limits, measured by a copy for memory and by a
matrix product for arithmetic."""
import html
import math

from drawing import counted, key, line, mark, seconds, table, text

WIDTH, HEIGHT = 560, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 16, 22, 42
NOT_MEASURED = "not measured"


class LogAxis:
    """A logarithmic axis between powers of ten."""

    def __init__(self, values, begin, end):
        self.low, self.high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        self.high = max(self.high, self.low + 1)
        self.begin, self.end = begin, end

    def at(self, value):
        return self.begin + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.begin)

    def ticks(self):
        return [10.0**power for power in range(self.low, self.high + 1)]


def gflops(rate):
    return f"{rate / 1e9:,.0f}" if rate >= 1e9 else f"{rate / 1e9:g}"


def fastest_peer(kernel):
    """The faster of cuDNN and PyTorch; a report without times if neither was measured."""
    peers = [kernel.get(peer) or {} for peer in ("peer", "pytorch")]
    measured = [peer for peer in peers if peer.get("seconds")]
    return min(measured, key=lambda peer: peer["seconds"]["median"], default=peers[0])


def peer_seconds(kernel):
    peer = fastest_peer(kernel)
    return peer["seconds"]["median"] if peer.get("seconds") else None


def name(kernel):
    return f"{kernel['operation']}, {kernel['pass']}, {kernel['case']}, {kernel['precision']}"


def describe(kernel):
    spread = kernel["seconds"]
    words = f"{name(kernel)}: {seconds(spread['median'])} (p10 {seconds(spread['p10'])}, p90 {seconds(spread['p90'])})"
    if kernel.get("percent_of_roofline") is not None:
        words += f", {kernel['percent_of_roofline']:.0f} % of the roofline, bound by {kernel.get('bound') or 'neither'}"
    return words


def chart(report, precision):
    roofs = report["roofs"]
    memory, flat = roofs.get("bytes_per_second"), roofs.get(f"flops_{precision}")
    kernels = [kernel for kernel in report["kernels"] if kernel["precision"] == precision and kernel.get("seconds")
               and kernel.get("flops") and kernel.get("bytes")]
    dots = []  # kind, FLOP per byte, FLOP/s, label
    for kernel in kernels:
        intensity, peer = kernel["flops"] / kernel["bytes"], peer_seconds(kernel)
        dots.append(("ours", intensity, kernel["flops"] / kernel["seconds"]["median"], describe(kernel)))
        if peer:
            what = fastest_peer(kernel).get("what")  # what cuDNN computes
            words = f"{fastest_peer(kernel)['name']}: {name(kernel)}: {seconds(peer)}" + (f", {what}" if what else "")
            dots.append(("peer", intensity, kernel["flops"] / peer, words))
    if not dots:
        return f"<figure>\n<h2>{precision}</h2>\n<p class=\"run\">{NOT_MEASURED}</p>\n</figure>\n"
    intensities, rates = ([dot[k] for dot in dots] for k in (1, 2))
    ridge = [flat / memory / 10, flat / memory] if flat and memory else []  # so that both roofs are visible
    x = LogAxis(intensities + ridge, LEFT, WIDTH - RIGHT)
    y = LogAxis(rates + ([flat] if flat else []), HEIGHT - BOTTOM, TOP)
    svg = []
    for value in y.ticks():
        svg += [line("grid", [(LEFT, y.at(value)), (WIDTH - RIGHT, y.at(value))]),
                text(LEFT - 8, y.at(value) + 4, gflops(value), "end")]
    for value in x.ticks():
        svg += [line("grid", [(x.at(value), TOP), (x.at(value), HEIGHT - BOTTOM)]),
                text(x.at(value), HEIGHT - BOTTOM + 16, counted(value))]
    svg += [text(LEFT - 8, 12, "GFLOP/s", "end"), text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "FLOP per byte")]
    svg += [mark(kind, x.at(intensity), y.at(rate), words) for kind, intensity, rate, words in dots]
    svg += roof_lines(memory, flat, x, y)
    signs = {"ours": "sapnet", "peer": "peer, the same work", "roof": "measured roofs"}
    if all(kind == "ours" for kind, *_ in dots):
        signs["peer"] = f"peer: {NOT_MEASURED}"
    return (f'<figure>\n<h2>{precision}</h2>\n<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Roofline of '
            f'{precision}">\n' + "\n".join(svg) + "\n</svg>\n"
            + key(signs) + "</figure>\n")


def roof_lines(memory, flat, x, y):
    """The memory and arithmetic roofs with labels, as far as measured and visible."""
    svg, left, right, bottom = [], 10.0**x.low, 10.0**x.high, 10.0**y.low
    if memory:
        begin, end = max(left, bottom / memory), min(right, (flat or 10.0**y.high) / memory)
        if end > begin:
            ends = [(x.at(value), y.at(value * memory)) for value in (begin, end)]
            slope = math.degrees(math.atan2(ends[1][1] - ends[0][1], ends[1][0] - ends[0][0]))
            middle = [sum(pair) / 2 for pair in zip(*ends)]
            svg += [line("roof", ends), text(middle[0], middle[1] - 7, f"copy: {memory / 1e9:,.0f} GB/s", more=
                                             f' transform="rotate({slope:.1f} {middle[0]:.1f} {middle[1]:.1f})"')]
    if flat:
        begin = max(left, flat / memory) if memory else left
        if begin < right:
            svg += [line("roof", [(x.at(begin), y.at(flat)), (x.at(right), y.at(flat))]),
                    text(x.at(right), y.at(flat) - 7, f"product: {gflops(flat)} GFLOP/s", "end")]
    return svg


def figures(report):
    def share(kernel):
        percent = kernel.get("percent_of_roofline")
        return NOT_MEASURED if percent is None else f"{percent:.0f} %"

    rows = []
    for kernel in report["kernels"]:
        ours, peer = (kernel.get("seconds") or {}).get("median"), peer_seconds(kernel)
        rows.append([name(kernel), seconds(ours) if ours else NOT_MEASURED,
                     gflops(kernel["flops"] / ours) if ours else NOT_MEASURED, share(kernel),
                     fastest_peer(kernel).get("name", "none"), seconds(peer) if peer else NOT_MEASURED,
                     f"{peer / ours:.2f}×" if ours and peer else NOT_MEASURED])
    head = ["", "sapnet", "GFLOP/s", "of the roofline", "peer", "its time", "faster"]
    return f"<details>\n<summary>All results</summary>\n{table(head, rows)}\n</details>\n"


def rooflines(reports):
    """Uses the newest report of each device."""
    newest = {}
    for report in reports:
        if report["kernels"]:
            newest.setdefault(report["device"], report)
    if not newest:
        return (f'<section>\n<h2 class="machine">Operations under their roofline</h2>\n<p class="run">{NOT_MEASURED}</p>\n'
                "</section>\n")
    html_text = ""
    for device, report in newest.items():
        of = "; ".join(filter(None, (report["date"], report["commit"], "FLOP count " + report["flops_counted"]
                                     if "flops_counted" in report else "")))
        precisions = sorted({kernel["precision"] for kernel in report["kernels"]})
        html_text += (f'<section>\n<h2 class="machine">Operations under their roofline: {html.escape(device)}</h2>\n'
                      f'<p class="run">{html.escape(of)}</p>\n<div class="curves">\n'
                      + "".join(chart(report, precision) for precision in precisions)
                      + f"</div>\n{figures(report)}</section>\n")
    return html_text
