extension ReportPage {
  /// Colours follow the reader's light or dark setting; figures keep a white ground in both.
  static let style = """
    :root { color-scheme: light dark; --ground: #ffffff; --text: #1f2328; --muted: #59636e;
      --line: #d1d9e0; --band: #f6f8fa; --link: #0969da; --before: #b3261e; --after: #1a7f37; }
    @media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --text: #e6edf3;
      --muted: #9198a1; --line: #3d444d; --band: #161b22; --link: #58a6ff; --before: #ff8a80;
      --after: #56d364; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; max-width: 82rem; padding: 1.5rem; background: var(--ground);
      color: var(--text); font: 16px/1.5 "DejaVu Sans", system-ui, sans-serif; }
    h1 { margin: 0 0 .5rem; font-size: 1.7rem; overflow-wrap: anywhere; }
    h2 { margin: 2.5rem 0 .75rem; padding-bottom: .25rem; font-size: 1.25rem;
      border-bottom: 1px solid var(--line); }
    a { color: var(--link); }
    .question { margin: 0 0 1rem; font-size: 1.1rem; color: var(--muted); max-width: 50rem; }
    nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin-top: 1rem; }
    dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr));
      gap: .5rem 1.5rem; margin: .75rem 0; }
    dt { color: var(--muted); font-size: .8rem; }
    dd { margin: 0; overflow-wrap: anywhere; }
    .wide { overflow-x: auto; }
    table { border-collapse: collapse; margin: .5rem 0; font-size: .8125rem;
      font-variant-numeric: tabular-nums; }
    caption { padding: .25rem 0 .5rem; text-align: left; font-weight: 600; }
    th, td { padding: .3rem .5rem; text-align: left; vertical-align: top; }
    thead th { vertical-align: bottom; border-bottom: 2px solid var(--line); }
    tbody th { font-weight: 600; white-space: nowrap; }
    .whole { white-space: nowrap; }
    tbody + tbody { border-top: 2px solid var(--line); }
    tbody tr:nth-child(even) { background: var(--band); }
    td.right { white-space: nowrap; }
    .right { text-align: right; }
    .center { text-align: center; }
    .footnotes { margin: .25rem 0 1rem; padding-left: 1.1rem; color: var(--muted);
      font-size: .8rem; max-width: 60rem; }
    .captions tbody tr:nth-child(even) { background: none; }
    .captions th { font-weight: 400; white-space: normal; overflow-wrap: anywhere; }
    .captions .truth { width: 32%; }
    .captions thead th { font-weight: 600; }
    .captions tbody th { width: 11rem; }
    .captions img { display: block; max-width: 10rem; max-height: 10rem; margin-bottom: .25rem; }
    .captions p { margin: 0 0 .25rem; }
    .captions tbody tr + tr td { border-top: 1px solid var(--line); }
    .before { color: var(--before); }
    .after { color: var(--after); }
    .pictures { display: flex; flex-wrap: wrap; gap: 1.25rem; align-items: flex-start; }
    figure { margin: 0; max-width: 100%; }
    figure img { display: block; max-width: 100%; height: auto; background: #ffffff;
      border: 1px solid var(--line); border-radius: 4px; }
    figcaption { margin-top: .3rem; color: var(--muted); font-size: .85rem; max-width: 45rem; }
    pre { padding: .75rem 1rem; overflow-x: auto; background: var(--band); border-radius: 4px;
      border: 1px solid var(--line); font: 13px/1.45 "DejaVu Sans Mono", ui-monospace, monospace; }
    @media print { body { max-width: none; padding: 0; } nav { display: none; }
      figure, tr { break-inside: avoid; } .wide { overflow: visible; } table { font-size: .7rem; } }
    """
}
