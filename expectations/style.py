"""The look of the Data Docs: system fonts, no script, nothing loaded from elsewhere."""

STYLE = r""":root { --ink: #1f2430; --line: #d5d9e0; --soft: #f5f6f8; --good: #1b7f4b; --bad: #b3261e;
  --warn: #9a6700; }
body { color: var(--ink); font: 15px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif;
  margin: 0 auto; max-width: 1100px; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: .2rem 0; }
nav { text-align: right; } .whole { color: #5a6170; font-size: .85rem; }
h3, p { margin: .3rem 0; font-size: 1rem; } h1, h2, p { overflow-wrap: anywhere; }
small { font-weight: normal; padding: 0 .4rem; }
.finding { border: 1px solid var(--line); border-left: 6px solid var(--line); margin: .7rem 0;
  padding: .4rem .8rem; }
.finding.pass { border-left-color: var(--good); } .finding.pass small { color: var(--good); }
.finding.error { border-left-color: var(--bad); } .finding.error small { color: var(--bad); }
.finding.warn { border-left-color: var(--warn); } .finding.warn small { color: var(--warn); }
span.refused { color: var(--bad); font-weight: bold; } span.accepted { color: var(--good); }
.scroll, .table-responsive { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; margin: .5rem 0; }
th, td { border: 1px solid var(--line); padding: .15rem .5rem; text-align: left; vertical-align: top;
  word-break: keep-all; }
th { background: var(--soft); }
pre { background: var(--soft); font-size: .85rem; overflow-x: auto; padding: .3rem .6rem; }
/* Parts rendered by Great Expectations. Details open with their link, by :target instead of a script. */
.gx .badge { background: var(--soft); border: 1px solid var(--line); border-radius: 3px; padding: 0 .3rem; }
.gx .alert { background: var(--soft); padding: .3rem .6rem; }
.gx .collapse { display: none; } .gx .collapse:target { display: block; }
.gx .text-success { color: var(--good); } .gx .text-danger { color: var(--bad); }
.gx .fa-check-circle::before { content: "\2713"; } .gx .fa-times::before { content: "\2717"; }
.gx .fa-exclamation-triangle::before { content: "!"; }
"""
