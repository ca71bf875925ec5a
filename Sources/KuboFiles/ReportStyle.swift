// SPDX-License-Identifier: GPL-3.0-or-later

extension Report {
  /// How the page looks: one column on a telephone, figures side by side on a desk; light or dark;
  /// what is wide scrolls in its own box, and is whole on paper.
  static let style: HTML = """
    :root { --ink: #1c2024; --paper: #fff; --faint: #5b6570; --line: #d4d9de; --bad: #b3261e; --link: #0057a8; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e4e7ea; --paper: #16191c; --faint: #a0a9b2; --line: #3a4148; --bad: #ff8a80; --link: #7db8f0; }
    }
    * { box-sizing: border-box; }
    body { margin: 0 auto; padding: 1rem; max-width: 76rem; color: var(--ink); background: var(--paper);
      font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
    h1 { margin: 0 0 .5rem; font-size: 1.8rem; line-height: 1.2; }
    h2 { margin: 2.5rem 0 .75rem; padding-bottom: .25rem; font-size: 1.3rem; line-height: 1.3;
      border-bottom: 1px solid var(--line); }
    p { margin: .75rem 0; max-width: 46rem; }
    a { color: var(--link); }
    nav ul { margin: 1rem 0; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; }
    .source, figcaption { color: var(--faint); font-size: .9rem; }
    .figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1.5rem; }
    figure { margin: 0; min-width: 0; }
    figure img { display: block; width: 100%; max-width: 30rem; height: auto; padding: .25rem; background: #fff;
      border: 1px solid var(--line); border-radius: 4px; }
    .plot { position: relative; max-width: 30rem; padding: .25rem; background: #fff; border: 1px solid var(--line);
      border-radius: 4px; }
    .plot svg { display: block; width: 100%; height: auto; }
    .line { position: absolute; width: 0; border-left: 1px dashed #777; pointer-events: none; }
    .values { position: absolute; margin: 0 .5rem; padding: .25rem .5rem; color: #1c2024; background: rgb(255 255 255 / 92%);
      border: 1px solid #bbb; border-radius: 4px; font-size: .75rem; line-height: 1.3; pointer-events: none; }
    .curves { display: flex; flex-wrap: wrap; gap: 0 1rem; margin: .4rem 0 0; padding: 0; list-style: none; font-size: .85rem; }
    .numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr)); gap: 1rem; padding: 0;
      list-style: none; }
    .numbers li { padding: .75rem 1rem; border: 1px solid var(--line); border-radius: 4px; }
    .numbers strong { display: block; font-size: 1.4rem; line-height: 1.3; }
    figcaption { margin-top: .5rem; max-width: 30rem; }
    figcaption strong { color: var(--ink); }
    .table { margin: 1.5rem 0; }
    .table figcaption { margin: 0; max-width: 46rem; }
    figcaption ul { margin: .25rem 0 0; padding-left: 1.1rem; }
    .wide { margin: .4rem 0 0; max-width: 100%; overflow-x: auto; }
    table { border-collapse: collapse; font-size: .9rem; overflow-wrap: normal; }
    th, td { padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top;
      border-bottom: 1px solid var(--line); }
    tbody th { min-width: 7rem; font-weight: normal; }
    .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
    pre { margin: .75rem 0; padding: .75rem; overflow-x: auto; border: 1px solid var(--line); border-radius: 4px; }
    .failed { color: var(--bad); font-weight: 600; }
    @media print {
      :root { --ink: #000; --paper: #fff; --faint: #333; --line: #999; --bad: #000; --link: #000; }
      body { max-width: none; font-size: 10pt; }
      nav, .curves, .line, .values { display: none; }
      .wide, pre { overflow: visible; }
      pre { white-space: pre-wrap; }
      figure, tr, h2 { break-inside: avoid; }
      h2 { break-after: avoid; }
    }
    """
}
