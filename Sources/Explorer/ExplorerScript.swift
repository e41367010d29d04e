extension ExplorerPage {
  /// The script of the page. It makes elements and sets their text; no text of the data becomes HTML.
  static let script = scriptOfModel + scriptOfViews + scriptOfReports + scriptOfPackets

  private static let scriptOfModel = #"""
    const D = JSON.parse(document.getElementById('data').textContent);
    // el('li.name', {attribute: value}, …children): the only way in which this page makes elements.
    const el = (kind, attributes, ...children) => {
      const [name, ...classes] = kind.split('.');
      const node = document.createElement(name);
      if (classes.length) node.className = classes.join(' ');
      for (const [key, value] of Object.entries(attributes ?? {})) {
        if (key.startsWith('on')) node.addEventListener(key.slice(2), value); else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value);
      }
      node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
      return node;
    };
    const svg = (name, attributes, ...children) => {
      const node = document.createElementNS('http://www.w3.org/2000/svg', name);
      for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
      node.append(...children);
      return node;
    };
    const short = (number) => {
      for (const [size, unit] of [[1e12, ' T'], [1e9, ' G'], [1e6, ' M'], [1e4, ' k']]) if (number >= size) return (number / (size === 1e4 ? 1e3 : size)).toFixed(1) + unit;
      return String(number);
    };
    const plural = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;
    const [LINE, TEXT, PACKETS, BYTES, JUMP, KIND] = [0, 1, 2, 3, 4, 5];

    // What is shown: a ruleset, a table and a chain in it by their indices, and the trace whose way is lit.
    const state = { r: 0, t: 0, c: 0, rule: 0, trace: -1, traces: D.traces, problems: D.problems, back: [], filter: '', list: 'f' };
    const ruleset = () => D.rulesets[state.r];
    const table = () => ruleset()?.tables[state.t];
    const chain = () => table()?.chains[state.c];
    D.rulesets.forEach((ruleset) => {
      ruleset.byLine = new Map();
      ruleset.findings.forEach((finding) => ruleset.byLine.set(finding.line, [...(ruleset.byLine.get(finding.line) ?? []), finding]));
      ruleset.places = new Map();
      ruleset.tables.forEach((table, t) => {
        table.callers = table.chains.map(() => []);
        table.chains.forEach((chain, c) => {
          if (chain.line !== null) ruleset.places.set(chain.line, [t, c, 0]);
          chain.rules.forEach((rule, index) => {
            if (rule[LINE] !== null) ruleset.places.set(rule[LINE], [t, c, index + 1]);
            if (rule[JUMP] >= 0) table.callers[rule[JUMP]].push([c, index + 1]);
          });
        });
      });
    });
    const first = D.rulesets.findIndex((ruleset) => ruleset.tables.length);
    if (first >= 0) {
      state.r = first;
      const filter = ruleset().tables.findIndex((table) => table.name === 'filter');
      if (filter >= 0) state.t = filter;
    }
    const go = (r, t, c, rule = 0, keeps = true) => {
      if (keeps) state.back.push([state.r, state.t, state.c, state.rule]);
      Object.assign(state, { r, t, c, rule });
      show();
      const target = rule ? document.getElementById(`rule${rule}`) : document.getElementById('chain');
      target?.scrollIntoView({ block: rule ? 'center' : 'nearest' });
      if (rule) target?.focus({ preventScroll: true });
    };
    const link = (text, r, t, c, rule = 0) => el('button.link', { type: 'button', onclick: () => go(r, t, c, rule) }, text);

    // The way of the chosen packet: the steps by place, and why each passed rule did not match.
    const key = (at, number) => `${at} ${number}`;
    let way = null;
    const choose = (index) => {
      state.trace = index;
      const trace = state.traces[index];
      way = trace && { hits: new Map(), chains: new Set(), hooks: new Set(), why: new Map(), last: new Map() };
      trace?.passed.forEach((passed) => passed.at && way.why.set(key(passed.at, passed.number), passed.why));
      trace?.packets.forEach((packet) => packet.hops.forEach((hop) => {
        way.hooks.add(hop.hook);
        hop.operations.forEach((operation) => operation.steps.forEach((step) => {
          if (!step.at) return;
          way.hits.set(key(step.at, step.kind === 'rule' ? step.number : step.kind), step);
          way.chains.add(String(step.at));
          way.last.set(String(step.at), Math.max(step.number, way.last.get(String(step.at)) ?? 0));
        }));
      }));
    };
    """#

  private static let scriptOfViews = #"""

    const hookView = () => {
      const box = (hook, next, arrow, before) => {
        const operations = D.hooks.find((stage) => stage.name === hook).operations.flatMap((name) => {
          const t = ruleset()?.tables.findIndex((table) => table.name === name) ?? -1;
          if (t < 0) return ['raw', 'mangle', 'nat', 'filter', 'security'].includes(name) ? [] : [el('li', {}, name)];
          const c = ruleset().tables[t].chains.findIndex((chain) => chain.hook === hook);
          const found = ruleset().tables[t].chains[c];
          const text = `${name} · ${plural(found.rules.length, 'rule')} · ${found.policy}`;
          return [el('li', {}, el('button.link', { type: 'button', 'aria-current': state.t === t && state.c === c ? 'true' : null, onclick: () => go(state.r, t, c) }, text))];
        });
        return el(`div.hook${way?.hooks.has(hook) ? '.lit' : ''}`, { 'data-hook': hook }, el('h3', {}, hook), el('ul', {}, operations), before && el('span.next.up', { 'aria-hidden': 'true' }, before), next && el(`span.next.${next}`, { 'aria-hidden': 'true' }, arrow));
      };
      const place = (text, next, arrow) => el('div.place', {}, text, next && el(`span.next.${next}`, { 'aria-hidden': 'true' }, arrow));
      return el('section', { id: 'path', 'aria-label': 'hooks in order' },
        el('div.hooks', {}, place('arrives', 'right', '→'), box('PREROUTING', 'right', '→'), place('routing', 'right', '→'), box('FORWARD', 'right', '→'), box('POSTROUTING', 'right', '→'), place('leaves'),
          el('span', {}), el('span', {}), box('INPUT', 'right', '→', '↓'), place('process of this host', 'right', '→'), box('OUTPUT', 'up', '↑'), el('span', {})));
    };

    const matches = (text) => text.toLowerCase().includes(state.filter);
    const chainList = () => {
      const rows = [];
      let left = 400;
      ruleset()?.tables.forEach((table, t) => {
        const chains = table.chains.map((chain, c) => [chain, c]).filter(([chain]) => !state.filter || matches(chain.name) || chain.rules.some((rule) => matches(rule[TEXT])));
        rows.push(el('h3', {}, `table ${table.name}`));
        rows.push(el('ul.chains', {}, chains.slice(0, left).map(([chain, c]) =>
          el(`li${way?.chains.has(String([state.r, t, c])) ? '.lit' : ''}`, {}, link(chain.name, state.r, t, c), el('span.count', {}, String(chain.rules.length))))));
        if (chains.length > left) rows.push(el('p.dim', {}, `and ${chains.length - left} more: search for one`));
        left = Math.max(20, left - chains.length);
      });
      return el('nav', { 'aria-label': 'chains' }, el('h2', {}, 'Chains'), el('div.scroll', {}, rows));
    };

    // The chain with those that lead to it and those to which it leads.
    const picture = () => {
      const [most, width, height, gap] = [8, 190, 24, 8];
      const unique = (list) => [...new Set(list)];
      const before = unique(table().callers[state.c].map(([c]) => c));
      const after = unique(chain().rules.map((rule) => rule[JUMP]).filter((c) => c >= 0));
      if (!before.length && !after.length) return null;
      const rows = Math.max(1, Math.min(most, before.length), Math.min(most, after.length));
      const total = rows * (height + gap) + 20;
      const top = (count, index) => 10 + (rows - Math.min(most, count)) * (height + gap) / 2 + index * (height + gap);
      // A side without chains takes no room.
      const here = before.length ? 265 : 1;
      const there = here + 264;
      const all = after.length ? there + width + 1 : here + width + 1;
      const root = svg('svg', { viewBox: `0 0 ${all} ${total}`, width: all, role: 'group', 'aria-label': `jumps to and from ${chain().name}` },
        svg('defs', {}, svg('marker', { id: 'tip', viewBox: '0 0 8 8', refX: 8, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' }, svg('path', { d: 'M0 0L8 4L0 8z' }))));
      const lit = (c) => way?.chains.has(String([state.r, state.t, c]));
      const node = (c, x, y, name) => {
        const text = name.length > 24 ? name.slice(0, 23) + '…' : name;
        const g = svg('g', { class: `${c === state.c ? 'here' : ''} ${lit(c) ? 'lit' : ''}` }, svg('rect', { x, y, width, height, rx: 5 }), svg('text', { x: x + 8, y: y + 16 }, text));
        if (c >= 0 && c !== state.c) {
          for (const [attribute, value] of [['role', 'link'], ['tabindex', '0'], ['aria-label', name]]) g.setAttribute(attribute, value);
          g.addEventListener('click', () => go(state.r, state.t, c));
          g.addEventListener('keydown', (event) => { if (event.key === 'Enter') go(state.r, state.t, c); });
        }
        return g;
      };
      const middle = top(1, 0);
      const side = (list, x, isBefore) => list.slice(0, most).forEach((c, index) => {
        const y = top(list.length, index);
        const isMore = index === most - 1 && list.length > most;
        const [from, to] = isBefore ? [[x + width, y + height / 2], [here, middle + height / 2]] : [[here + width, middle + height / 2], [x, y + height / 2]];
        root.append(svg('path', { class: lit(c) && lit(state.c) ? 'lit' : '', 'marker-end': 'url(#tip)', d: `M${from}C${(from[0] + to[0]) / 2} ${from[1]} ${(from[0] + to[0]) / 2} ${to[1]} ${to}` }));
        root.append(isMore ? node(-1, x, y, `and ${list.length - most + 1} more`) : node(c, x, y, table().chains[c].name));
      });
      side(before, 1, true);
      side(after, there, false);
      root.append(node(state.c, here, middle, chain().name));
      return root;
    };

    const findingView = (finding, isListed) => {
      const place = ruleset().places.get(finding.line);
      const head = `${finding.code}: ${finding.message}` + (finding.count > 1 ? ` (${finding.count} times)` : '');
      const notes = finding.notes.filter((note) => !finding.witness || note.message !== `such a packet: ${finding.witness}`).map((note) => el('div', {}, note.line === null || !ruleset().places.get(note.line) ? note.message : [`${note.message}: `, link(`line ${note.line}`, state.r, ...ruleset().places.get(note.line))]));
      return el(`div.finding.${finding.severity}`, {}, isListed && place ? link(`line ${finding.line}`, state.r, ...place) : null, isListed ? ' ' : null, head, isListed ? null : notes, witnessView(finding.witness));
    };

    const ruleView = (rule, index, most) => {
      const number = index + 1;
      const at = [state.r, state.t, state.c];
      const hit = way?.hits.get(key(at, number));
      const why = way?.why.get(key(at, number));
      const jump = rule[JUMP] >= 0 ? table().chains[rule[JUMP]] : null;
      // The target is the end of the text; a jump is a button.
      const words = rule[TEXT].match(/^(.*?)((?:^| )-[jg] \S+)(.*)$/);
      const text = words ? [words[1], jump ? [words[2].slice(0, -jump.name.length), link(jump.name, state.r, state.t, rule[JUMP])] : el('span.verdict', {}, words[2]), words[3]] : [rule[TEXT]];
      if (words && jump && !words[2].endsWith(jump.name)) text.splice(0, text.length, rule[TEXT], ' ', link(jump.name, state.r, state.t, rule[JUMP]));
      const bar = rule[PACKETS] ? el('span.bar', {}) : null;
      if (bar) bar.style.width = `${Math.max(2, 60 * rule[PACKETS] / most)}px`;
      return el(`li.${rule[KIND]}${hit ? '.matched' : number > (way?.last.get(String(at)) ?? number) ? '.unreached' : ''}${state.rule === number ? '.current' : ''}`, { id: `rule${number}`, tabindex: '-1' },
        el('span.number', {}, String(number)), el('span.rule', {}, text.flat()),
        rule[PACKETS] ? el('div.counters', {}, bar, `${short(rule[PACKETS])} packet${rule[PACKETS] === 1 ? '' : 's'}, ${short(rule[BYTES])} bytes`) : null,
        why ? el('span.why', {}, why) : null, (ruleset().byLine.get(rule[LINE]) ?? []).map((finding) => findingView(finding, false)));
    };

    const chainView = () => {
      if (!chain()) return el('section', { id: 'chain' }, el('p', {}, 'The ruleset has no table.'));
      const rules = chain().rules.map((rule, index) => [rule, index]).filter(([rule]) => !state.filter || matches(rule[TEXT]) || matches(chain().name));
      const most = Math.max(1, ...chain().rules.map((rule) => rule[PACKETS]));
      const callers = table().callers[state.c];
      const end = chain().policy ? way?.hits.get(key([state.r, state.t, state.c], 'policy')) : way?.hits.get(key([state.r, state.t, state.c], 'return'));
      const kind = (chain().policy ?? '').toLowerCase();
      return el('section', { id: 'chain', tabindex: '-1', 'aria-label': 'rules of the chain' },
        el('div.row', {}, state.back.length ? el('button', { type: 'button', title: 'u', onclick: back }, '← back') : null,
          el('h2', {}, `${table().name} ${chain().name}`), el('span.dim', {}, chain().policy ? `policy ${chain().policy}` : callers.length ? '' : 'no rule jumps here'),
          chain().packets ? el('span.dim', {}, `${short(chain().packets)} packets reached the policy`) : null),
        callers.length ? el('div.row.dim', {}, 'reached from ', callers.slice(0, 8).flatMap(([c, rule]) => [link(`${table().chains[c].name} ${rule}`, state.r, state.t, c, rule), ' ']), callers.length > 8 ? `and ${callers.length - 8} more` : null) : null,
        picture(), (ruleset().byLine.get(chain().line) ?? []).map((finding) => findingView(finding, false)),
        el('ol.rules', {}, rules.map(([rule, index]) => ruleView(rule, index, most)),
          el(`li.${kind || 'return'}${end ? '.matched' : ''}`, {}, el('span.rule.dim', {}, chain().policy ? ['end of the chain: policy ', el('span.verdict', {}, chain().policy)] : 'end of the chain: returns to the caller'))));
    };
    """#
}
