"""Building blocks of SVG charts. Marks differ in shape as well as in colour."""
import html
import math


def seconds(value):
    if value < 1e-3:
        return f"{1e6 * value:.3g} µs"
    return f"{1e3 * value:.3g} ms" if value < 1 else f"{value:.3g} s"


def counted(value):
    """12, 1.5k, 20M."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def round_step(span, ticks):
    """The smallest of 1, 2 and 5 times a power of ten that divides the span into at most `ticks` steps."""
    magnitude = 10 ** math.floor(math.log10(span / ticks))
    return next(factor * magnitude for factor in (1, 2, 5, 10) if span / (factor * magnitude) <= ticks)


def text(x, y, words, anchor="middle", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{html.escape(words)}</text>'


def line(kind, points):
    return f'<path class="{kind}" d="M' + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + '"/>'


def mark(kind, x, y, title):
    """Ours is a filled circle, a peer an open square, a ratio a filled diamond."""
    shape = {"ours": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>',
             "peer": f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>',
             "ratio": f'<path d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z"/>'}[kind]
    return f'<g class="mark {kind}"><title>{html.escape(title)}</title>{shape}</g>'


def key(names):
    """names: maps kinds of marks to labels."""
    signs = {"ours": "●", "peer": "□", "ratio": "◆", "roof": "—"}
    return '<p class="legend">' + "".join(
        f'<span><b class="{kind}">{signs[kind]}</b> {html.escape(words)}</span>' for kind, words in names.items()) + "</p>"


def table(head, rows):
    """rows: lists of cells; the first cell is the row's name."""
    def row(cells, tag):
        return "<tr>" + "".join(f"<{'th' if k == 0 else tag}>{html.escape(cell)}</{'th' if k == 0 else tag}>"
                                for k, cell in enumerate(cells)) + "</tr>"

    return (f"<table>\n<thead>{row(head, 'th')}</thead>\n<tbody>\n" + "\n".join(row(cells, "td") for cells in rows)
            + "\n</tbody>\n</table>")
