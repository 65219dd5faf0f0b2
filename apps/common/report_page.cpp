#include "apps/common/report_page.h"

namespace sapnet::apps {

namespace {

constexpr std::string_view kHead = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>)html";

// The summary is written last, but `order` shows it first.
constexpr std::string_view kStyle = R"html(</title>
<style>
:root {
  --page: #f4f5f7; --card: #fff; --line: #e1e4e8; --well: #e9ebee;
  --text: #1b2229; --faint: #5c6773; --accent: #0b63ce; --gain: #107a3d; --loss: #b3261e;
  --third: #b45309; --fourth: #8b2fc9; --fifth: #0e7490; --sixth: #be185d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101418; --card: #181d23; --line: #2a323a; --well: #0b0e11;
    --text: #e4e8ec; --faint: #97a3af; --accent: #6cb0ff; --gain: #5ccb8a; --loss: #ff8a80;
    --third: #fbbf5b; --fourth: #cf9bff; --fifth: #5cd3ea; --sixth: #ff8cc0;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { display: flex; flex-direction: column; gap: 1.5rem; max-width: 80rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
.summary { order: 1; }
.images { order: 2; }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; font-weight: 650; letter-spacing: -.015em; }
h2 { margin: 0; font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; }
.run { margin: .4rem 0 0; color: var(--faint); overflow-wrap: anywhere; }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 1.5rem; }
.curves figure { margin: 0; padding: .9rem 1rem .6rem; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.curves svg { display: block; width: 100%; height: auto; font: 11px system-ui, sans-serif; fill: var(--faint); font-variant-numeric: tabular-nums; }
.curves .grid { stroke: var(--line); }
.curves path { fill: none; stroke-width: 1.75; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.curves .first { stroke: var(--accent); }
.curves .second { stroke: var(--gain); }
.curves .third { stroke: var(--third); }
.curves .fourth { stroke: var(--fourth); }
.curves .fifth { stroke: var(--fifth); }
.curves .sixth { stroke: var(--sixth); }
.curves .level { stroke: var(--faint); stroke-dasharray: 4 4; }
.curves .key { display: flex; flex-wrap: wrap; gap: 0 1rem; margin: 0; color: var(--faint); font-size: .85rem; }
.curves .key span::before { content: ""; display: inline-block; width: 1.1em; height: .2em; margin-right: .45em; vertical-align: middle; background: currentColor; }
.curves .key .first { color: var(--accent); }
.curves .key .second { color: var(--gain); }
.curves .key .third { color: var(--third); }
.curves .key .fourth { color: var(--fourth); }
.curves .key .fifth { color: var(--fifth); }
.curves .key .sixth { color: var(--sixth); }
.tiles { display: grid; grid-template-columns: repeat(3, 1fr); gap: .75rem; margin: 0; }
.tile { padding: .8rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.tile dt { color: var(--faint); font-size: .8rem; }
.tile dd { margin: .1rem 0 0; font-size: 1.1rem; font-weight: 600; line-height: 1.4; font-variant-numeric: tabular-nums; white-space: nowrap; }
.tile dd small { display: block; font-size: .8rem; font-weight: 400; color: var(--faint); }
.images { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 1.5rem; align-items: start; }
article { display: flex; flex-direction: column; min-width: 0; overflow: hidden; background: var(--card); border: 1px solid var(--line); border-radius: 12px; scroll-margin-top: 1rem; }
.caption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; padding: .9rem 1rem .2rem; }
.caption span { color: var(--faint); font-size: .85rem; font-variant-numeric: tabular-nums; }
.figures { padding: 0 1rem .9rem; overflow-x: auto; }
.well { display: flex; justify-content: center; background: var(--well); }
.compare {
  --cut: 50%; position: relative; overflow: hidden; cursor: ew-resize; touch-action: pan-y; user-select: none; -webkit-user-select: none;
  width: min(100%, max(var(--w) * 1.4px, 16rem), 80vh * var(--w) / var(--h)); min-width: 8rem; aspect-ratio: var(--w) / var(--h); max-height: 80vh;
}
.compare img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; pointer-events: none; }
.before { position: absolute; inset: 0; clip-path: inset(0 calc(100% - var(--cut)) 0 0); }
.after { position: absolute; inset: 0; clip-path: inset(0 0 0 var(--cut)); }
.tag { position: absolute; top: .6rem; padding: .1rem .55rem; border-radius: 99px; background: rgb(0 0 0 / .55); color: #fff; font-size: .75rem; font-weight: 500; }
.before .tag { left: .6rem; }
.after .tag { right: .6rem; }
.compare input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; pointer-events: none; }
.handle { position: absolute; top: 0; bottom: 0; left: var(--cut); width: 2px; margin-left: -1px; background: #fff; box-shadow: 0 0 4px rgb(0 0 0 / .5); pointer-events: none; }
.handle svg { position: absolute; top: 50%; left: 50%; width: 2.25rem; height: 2.25rem; transform: translate(-50%, -50%); border-radius: 50%; background: #fff; color: #1b2229; box-shadow: 0 1px 6px rgb(0 0 0 / .45); }
.compare:not(.by-mouse) input:focus-visible + .handle svg { outline: 3px solid var(--accent); outline-offset: 2px; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem 0 .3rem .9rem; text-align: right; font-weight: 400; white-space: nowrap; }
th:first-child { padding-left: 0; text-align: left; white-space: normal; overflow-wrap: anywhere; }
thead th { color: var(--faint); font-size: .8rem; }
tbody tr { border-top: 1px solid var(--line); }
.gain { color: var(--gain); font-weight: 600; }
.loss { color: var(--loss); font-weight: 600; }
@media (min-width: 84rem) { .tiles { grid-template-columns: repeat(6, 1fr); } }
@media (max-width: 42rem) { .tiles { grid-template-columns: 1fr 1fr; } }
@media (max-width: 30rem) { .tile { padding: .7rem .75rem; } .tile dd { font-size: 1rem; } }
.remark { margin: 0 0 .75rem; font-weight: 600; }
.failures { margin-top: .75rem; padding: .8rem 1rem; background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--loss); border-radius: 10px; }
.failures ul { margin: .3rem 0 0; padding-left: 1.2rem; overflow-wrap: anywhere; }
.not-scored { margin: 0; padding: 0 1rem .9rem; color: var(--faint); font-size: .9rem; overflow-wrap: anywhere; }
details { margin-top: .75rem; padding: .6rem 1rem; overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
summary { cursor: pointer; }
a { color: var(--accent); }
</style>
</head>
<body>
<main>
)html";

}  // namespace

std::string page_head(const std::string& title) { return std::string(kHead) + title + std::string(kStyle); }

const std::string_view kPageTail = R"html(</main>
<script>
for (const box of document.querySelectorAll('.compare')) {
  const range = box.querySelector('input');
  const cut = (percent) => box.style.setProperty('--cut', percent + '%');
  const follow = (event) => {
    const { left, width } = box.getBoundingClientRect();
    const percent = Math.min(100, Math.max(0, 100 * (event.clientX - left) / width));
    range.value = percent;
    cut(percent);
  };
  range.addEventListener('input', () => cut(range.value));
  for (const key of ['keydown', 'blur']) range.addEventListener(key, () => box.classList.remove('by-mouse'));
  box.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    box.setPointerCapture(event.pointerId);
    box.classList.add('by-mouse');  // script focus counts as keyboard focus and would show the outline
    range.focus({ preventScroll: true });
    follow(event);
  });
  box.addEventListener('pointermove', (event) => {
    if (box.hasPointerCapture(event.pointerId)) follow(event);
  });
}
</script>
</body>
</html>
)html";

}  // namespace sapnet::apps
