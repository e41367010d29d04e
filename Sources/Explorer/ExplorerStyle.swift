extension ExplorerPage {
  /// The style of the page.
  static let style = """
    :root { --ink: #1d2129; --paper: #fff; --soft: #f3f4f7; --line: #d5d9e0; --dim: #646b78; --link: #0b57c2; --good: #17733a; --good-soft: #e2f4e7;
      --bad: #b3261e; --bad-soft: #fbe4e2; --warn: #7a5200; --warn-soft: #fcf0cf; --way: #0b57c2; --way-soft: #e3edfc; }
    @media (prefers-color-scheme: dark) { :root { --ink: #e3e5ea; --paper: #14161a; --soft: #1e2127; --line: #363b45; --dim: #9aa2b1; --link: #8ab4f8;
      --good: #7fd99a; --good-soft: #16321f; --bad: #f2998f; --bad-soft: #411c1a; --warn: #f0c869; --warn-soft: #3b3013; --way: #8ab4f8; --way-soft: #1b2b47; } }
    * { box-sizing: border-box; }
    body { margin: 0; font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
    code, .rule, textarea, .mono { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 13px; }
    button { font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 6px; padding: .15em .6em; cursor: pointer; }
    button:hover { border-color: var(--link); }
    :focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
    .link { border: 0; padding: 0; color: var(--link); text-align: left; border-radius: 2px; }
    .link:hover { text-decoration: underline; }
    header { display: flex; flex-wrap: wrap; gap: .6em 1em; align-items: center; padding: .6em 1.2em; background: var(--soft); border-bottom: 1px solid var(--line); }
    h1 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1rem; margin: 0 0 .5em; } h3 { font-size: .9rem; margin: .8em 0 .3em; }
    header .grow { flex: 1; }
    input, textarea { color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: .35em .5em; }
    input { font: inherit; width: 16em; } textarea { width: 100%; min-height: 4.5em; resize: vertical; }
    main { display: grid; grid-template-columns: 16em minmax(0, 1fr) 25em; gap: 1.2em; padding: 1em 1.2em; }
    #path { grid-column: 1 / -1; }
    nav, aside { min-width: 0; }
    .scroll { max-height: 75vh; overflow: auto; }
    @media (max-width: 1000px) { main { grid-template-columns: minmax(0, 1fr); } .scroll { max-height: 20em; } }
    .pressed { background: var(--way-soft); border-color: var(--way); }
    .hooks { display: grid; grid-template-columns: minmax(4.5em, .5fr) repeat(4, minmax(9em, 1fr)) minmax(4.5em, .5fr); gap: 1.5em 1.6em; align-items: start; overflow-x: auto; padding: 2px 2px .3em; }
    .hook { border: 1px solid var(--line); border-radius: 8px; padding: .4em .6em; background: var(--soft); position: relative; min-width: 0; }
    .hook h3 { margin: 0 0 .2em; font-size: .8rem; letter-spacing: .03em; } .hook ul { list-style: none; margin: 0; padding: 0; }
    .hook li { font-size: .85rem; color: var(--dim); overflow-wrap: anywhere; } .hook .link { font-size: .85rem; }
    .next { position: absolute; color: var(--dim); } .next.right { right: -1.35em; top: .5em; } .next.up { top: -1.45em; left: 50%; }
    .hook.lit { border-color: var(--way); box-shadow: 0 0 0 1px var(--way); background: var(--way-soft); }
    .place { text-align: center; color: var(--dim); font-size: .85rem; border: 1px dashed var(--line); border-radius: 8px; padding: .5em; position: relative; }
    ul.chains, ol.rules, ul.findings, ol.way { list-style: none; margin: 0; padding: 0; }
    ul.chains li { display: flex; gap: .5em; justify-content: space-between; padding: .1em .3em; border-radius: 4px; } ul.chains .link { overflow-wrap: anywhere; }
    ul.chains .lit { background: var(--way-soft); } .count { color: var(--dim); font-size: .8rem; white-space: nowrap; }
    ol.rules > li { border-bottom: 1px solid var(--line); padding: .3em .4em .3em 3.4em; position: relative; content-visibility: auto; contain-intrinsic-size: auto 32px; }
    ol.rules .number { position: absolute; left: 0; width: 2.8em; text-align: right; color: var(--dim); font-size: .8rem; }
    .rule { overflow-wrap: anywhere; } .rule .link { font: inherit; }
    .counters { color: var(--dim); font-size: .78rem; } .bar { display: inline-block; height: .5em; background: var(--way); border-radius: 2px; margin-right: .5em; vertical-align: middle; }
    .accept .verdict { color: var(--good); } .drop .verdict { color: var(--bad); } .verdict { font-weight: 600; }
    .matched { background: var(--way-soft); box-shadow: inset 3px 0 var(--way); } .matched.accept { background: var(--good-soft); box-shadow: inset 3px 0 var(--good); }
    .matched.drop { background: var(--bad-soft); box-shadow: inset 3px 0 var(--bad); } .why { color: var(--dim); font-size: .85rem; display: block; }
    .why::before { content: "passed: "; } .unreached { opacity: .55; } .current { outline: 2px solid var(--link); }
    .finding { display: block; border-radius: 4px; padding: .15em .5em; margin: .2em 0; font-size: .85rem; overflow-wrap: anywhere; }
    .finding.error { background: var(--bad-soft); color: var(--bad); } .finding.warning { background: var(--warn-soft); color: var(--warn); } .finding.note { background: var(--soft); color: var(--dim); }
    .result { border: 1px solid var(--line); border-radius: 8px; padding: .5em .7em; margin: .6em 0; } .result > .head { overflow-wrap: anywhere; }
    .result.good .say { color: var(--good); } .result.bad .say { color: var(--bad); } .result.unknown .say { color: var(--warn); } .say { font-weight: 600; overflow-wrap: anywhere; }
    ol.way > li { padding-left: .8em; border-left: 2px solid var(--line); margin: .15em 0; font-size: .88rem; overflow-wrap: anywhere; } ol.way .mark { color: var(--dim); }
    .problem { color: var(--bad); } .dim { color: var(--dim); } .row { display: flex; flex-wrap: wrap; gap: .5em; align-items: center; margin: .4em 0; }
    svg { max-width: 100%; height: auto; } svg rect { fill: var(--soft); stroke: var(--line); } svg text { fill: var(--ink); font-size: 12px; } svg path { fill: none; stroke: var(--dim); }
    svg g[role=link] { cursor: pointer; } svg g.here rect { stroke: var(--link); stroke-width: 2; } svg g.lit rect { fill: var(--way-soft); stroke: var(--way); }
    svg g:focus-visible rect { stroke: var(--link); stroke-width: 3; } svg path.lit { stroke: var(--way); stroke-width: 2; } svg marker path { fill: var(--dim); stroke: none; }
    dialog { color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 10px; max-width: 32em; } kbd { border: 1px solid var(--line); border-radius: 4px; padding: 0 .4em; }

    """
}
