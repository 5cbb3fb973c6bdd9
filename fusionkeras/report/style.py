"""What the report adds to the style sheet of all pages."""

STYLE = """
:root { --series-0: #0b57d0; --series-1: #b45309; --series-2: #1a7f37; --series-3: #8250df;
        --series-4: #bf3989; --series-5: #57606a; --for: 180, 83, 9; --against: 11, 87, 208; }
@media (prefers-color-scheme: dark) {
  :root { --series-0: #8ab4f8; --series-1: #f0a35e; --series-2: #6fd08c; --series-3: #c4a7f5;
          --series-4: #f09acb; --series-5: #aab0b9; --for: 240, 163, 94;
          --against: 138, 180, 248; } }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: 0;
         margin: 0 0 1rem; }
nav a { display: inline-block; padding: .25rem 0; min-height: 24px; }
#in-short { background: var(--panel); border-radius: .75rem; padding: 1rem 1.25rem; }
.figures { display: grid; gap: 1.5rem; margin: 1rem 0;
           grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
figure { margin: 0; min-width: 0; max-width: 30rem; }
figure svg { display: block; width: 100%; height: auto; fill: currentColor;
             font-family: system-ui, sans-serif; stroke-linejoin: round; }
summary { cursor: pointer; color: var(--strong); padding: .25rem 0; }
.errors { display: grid; gap: 1.25rem; padding: 0; margin: 1rem 0; list-style: none;
          grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); }
.errors > li { background: var(--panel); border-radius: .75rem; padding: 1rem; min-width: 0; }
.errors h3, .errors h4 { margin: 0 0 .25rem; }
.shares { list-style: none; padding: 0; margin: .5rem 0; }
.shares li { display: grid; grid-template-columns: minmax(7rem, auto) 1fr; gap: .5rem;
             align-items: center; }
.shares i { height: .6rem; border-radius: .3rem; }
i.for { background: rgb(var(--for)); } i.against { background: rgb(var(--against)); }
.pictures { display: grid; grid-template-columns: 1fr 1fr; gap: .5rem; margin: .5rem 0; }
.pictures img { border-radius: .25rem; width: 100%; }
.words { margin: .5rem 0; line-height: 1.8; }
.words mark { color: inherit; padding: .1em .15em; border-radius: .2em; }
mark.for { background: rgba(var(--for), var(--much)); border-bottom: 2px solid rgb(var(--for)); }
mark.against { background: rgba(var(--against), var(--much));
               border-bottom: 2px dotted rgb(var(--against)); }
"""
