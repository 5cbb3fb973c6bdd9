"""The style sheet of every page, light and dark."""

STYLE = """
:root { --ground: #fff; --panel: #f5f6f8; --text: #1d1d1f; --soft: #50555c; --line: #d3d7dd;
        --strong: #0b57d0; --bad: #b3261e; --warn: #8a5300; --info: #5f6b7a; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #131416; --panel: #1e2024; --text: #e8eaed; --soft: #aab0b9; --line: #3a3f47;
          --strong: #8ab4f8; --bad: #f2948c; --warn: #f0b45e; --info: #aab0b9; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--ground);
       max-width: 64rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; } h2 { font-size: 1.2rem; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
p { margin: .3rem 0; } section { margin: 2rem 0; }
a { color: var(--strong); }
:focus-visible { outline: 3px solid var(--strong); outline-offset: 2px; }
.skip { position: absolute; left: -999rem; } .skip:focus { position: static; }
.soft { color: var(--soft); } code { font-size: .85em; }
.scroll { overflow-x: auto; margin: .5rem 0; }
table { border-collapse: collapse; min-width: min(100%, 28rem); }
caption { text-align: left; color: var(--soft); font-size: .9rem; padding-bottom: .25rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem 1rem .3rem 0;
         border-top: 1px solid var(--line); overflow-wrap: break-word; }
th { font-weight: 600; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td:not(.number) { min-width: 7rem; } tbody th { min-width: 5rem; max-width: 20rem; }
@media (max-width: 40rem) {
  th, td { padding-right: .6rem; font-size: .9rem; } tbody th { max-width: 9rem; } }
img { display: block; max-width: 100%; height: auto; }
"""
