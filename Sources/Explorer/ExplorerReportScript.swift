extension ExplorerPage {
  /// The part of the script that shows lists beside the rules: findings, what strangers reach, and what differs from older rules.
  static let scriptOfReports = #"""

    // A line of a report as a link to its rule, where the page has the rule.
    const placeView = (family, line, text) => {
      const r = D.rulesets.findIndex((ruleset) => ruleset.family.toLowerCase() === family.toLowerCase());
      const place = D.rulesets[r]?.places.get(line);
      return place ? link(text, r, ...place) : text;
    };
    const witnessView = (packet) => packet ? el('div', {}, 'such a packet: ', el('code', {}, packet), ' ', D.live ? el('button', { type: 'button', onclick: () => ask(packet) }, 'run') : null) : null;
    const listed = (items, view) => el('div.scroll', {}, items.slice(0, 300).map(view), items.length > 300 ? el('p.dim', {}, `the first 300 of ${items.length} are listed`) : null);

    const findingList = () => listed(ruleset()?.findings ?? [], (finding) => findingView(finding, true));

    const exposureList = () => [
      el('p.dim', {}, 'What strangers reach, the worst first: services of this host, and hosts behind it.'),
      D.exposure.open.length ? listed(D.exposure.open, (entry) => el(`div.finding.${entry.sources === 'any' ? 'warning' : 'note'}`, {},
        `${entry.family} ${entry.interface}: ${[entry.protocol, entry.ports].filter(Boolean).join(' ')} from ${entry.sources} to ${entry.to}`,
        entry.note ? el('div', {}, entry.note) : null,
        el('div', {}, placeView(entry.family, entry.line, entry.line ? `line ${entry.line}` : ''), ' ', el('code', {}, entry.rule)), witnessView(entry.witness)))
        : D.exposure.undecided.length ? null : el('p', {}, 'Nothing is open.'),
      D.exposure.undecided.map((sentence) => el('p.problem', {}, `undecided: ${sentence}`)),
    ];

    const SIGNS = { added: '+', removed: '−', moved: '>', policy: '!' };
    const differenceList = () => [
      el('p.dim', {}, D.changes.result === 'equal' ? 'The older rules treat every packet in the same way.' : D.changes.result === 'different' ? 'Packets that the older rules treat otherwise, what only these accept first:' : 'It is not decided whether the older rules treat packets otherwise.'),
      listed(D.changes.regions, (region) => {
        const opens = region.after.verdict === 'accept' && region.before.verdict !== 'accept';
        const side = (name, one, place) => el('div', {}, `${name}: ${one.verdict}, `, one.line ? place(one) : one.table ? 'the policy' : 'no rule', ' ', el('code', {}, one.line ? one.rule : ''));
        return el(`div.finding.${opens ? 'warning' : 'note'}`, {}, `${region.before.verdict} → ${region.after.verdict}: ${region.isExact ? '' : 'some of '}${region.packets || 'any packet'}`,
          side('before', region.before, (one) => `line ${one.line}`), side('after', region.after, (one) => placeView(region.family, one.line, `line ${one.line}`)), witnessView(region.witness));
      }),
      el('h3', {}, 'Changed rules'),
      listed(D.changes.changes.filter((change) => SIGNS[change.kind]), (change) => el('div.finding.note', {}, `${SIGNS[change.kind]} ${change.table} ${change.chain} `,
        change.after ? placeView(change.family, change.after.line, `line ${change.after.line}`) : change.before ? `line ${change.before.line} before` : 'another policy',
        ' ', el('code', {}, (change.after ?? change.before)?.text ?? ''))),
    ];

    // The lists, by the key that shows them.
    const LISTS = { f: ['findings', () => plural(ruleset()?.findings.length ?? 0, 'finding'), findingList], e: ['exposure', () => `${D.exposure.open.length} open`, exposureList] };
    if (D.changes) LISTS.d = ['differences', () => plural(D.changes.regions.length, 'difference'), differenceList];
    const list = (name) => { state.list = name; show(); };
    const reportView = () => {
      const [name, title, view] = LISTS[state.list];
      return el('section', { id: 'report', 'aria-label': name }, el('div.row', {}, Object.entries(LISTS).map(([key, [other]]) =>
        el(`button${key === state.list ? '.pressed' : ''}`, { type: 'button', id: `list-${key}`, 'aria-pressed': String(key === state.list), onclick: () => list(key) }, other))),
        el('h2', {}, title()), view());
    };
    """#
}
