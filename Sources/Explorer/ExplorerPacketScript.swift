extension ExplorerPage {
  /// The part of the script that runs packets, and what the keys do.
  static let scriptOfPackets = #"""

    let typed = state.traces.map((trace) => trace.packet).join('\n');
    const ask = async (text) => {
      typed = text;
      try {
        const answer = await fetch('evaluate', { method: 'POST', body: text, headers: { 'Content-Type': 'text/plain' } });
        if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
        const result = await answer.json();
        state.traces = result.traces;
        state.problems = result.problems;
      } catch (error) {
        state.traces = [];
        state.problems = [`the packet was not run: ${error.message}`];
      }
      light(state.traces.length ? 0 : -1);
    };

    // Lights the way of a packet, and shows the rule that decided.
    const light = (index) => {
      choose(index);
      const steps = state.traces[index]?.packets.flatMap((packet) => packet.origin === 'own' ? packet.hops.flatMap((hop) => hop.operations.flatMap((operation) => operation.steps)) : []) ?? [];
      const last = steps.filter((step) => step.at).at(-1);
      if (last) go(...last.at, last.kind === 'rule' ? last.number : 0); else show();
    };

    const wayView = (trace) => trace.packets.map((packet) => [
      packet.origin === 'own' ? null : el('div.dim', {}, `sent by this host: ${packet.brief}`),
      el('ol.way', {}, packet.hops.flatMap((hop) => [
        el('li', {}, el('strong', {}, hop.hook), el('span.mark', {}, ` ${hop.in ? `in ${hop.in} ` : ''}${hop.out ? `out ${hop.out}` : ''}`)),
        ...hop.operations.flatMap((operation) => operation.steps.length
          ? operation.steps.map((step) => {
            const name = step.at ? D.rulesets[step.at[0]].tables[step.at[1]].chains[step.at[2]].name : '';
            const text = `${operation.name} ${name} ${step.kind === 'rule' ? `rule ${step.number}` : step.kind}`;
            return el('li', {}, step.at ? link(text, ...step.at, step.kind === 'rule' ? step.number : 0) : text, el('span.mark', {}, ` ${step.action}`));
          })
          : [el('li', {}, el('span.mark', {}, `${operation.name}: ${operation.outcome}`))])]),
      packet.notes.map((note) => el('li', {}, el('span.mark', {}, note)))),
      packet.origin === 'own' ? null : el('div.say', {}, packet.verdict),
    ]);

    const packetView = () => {
      const traces = state.traces.slice(0, 100).map((trace, index) => el(`div.result.${trace.kind}`, {},
        el('div.head', {}, el('button.link.mono', { type: 'button', 'aria-expanded': String(state.trace === index), onclick: () => light(state.trace === index ? -1 : index) }, trace.packet)),
        el('div.say', {}, `→ ${trace.verdict}`), state.trace === index ? wayView(trace) : null));
      const box = el('textarea', { id: 'packet', spellcheck: 'false', 'aria-label': 'packets, one a line', placeholder: 'eth0 tcp 198.51.100.7:40000 > 203.0.113.5:443 S' });
      box.value = typed;
      box.addEventListener('input', () => { typed = box.value; });
      box.addEventListener('keydown', (event) => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) ask(box.value); });
      return el('section', { 'aria-label': 'packets' }, el('h2', {}, 'Packets'),
        D.live ? [box, el('div.row', {}, el('button', { id: 'run', type: 'button', onclick: () => ask(typed) }, 'Run'), el('span.dim', {}, 'Ctrl-Enter; one packet a line, one after the other'))]
          : el('p.dim', {}, traces.length ? 'Choose a packet to see its way. `ferrule serve` runs any packet that you type.' : 'This page has no packets: give some to `ferrule explore --packets`, or use `ferrule serve`.'),
        el('div', { 'aria-live': 'polite' }, state.problems.map((problem) => el('p.problem', {}, problem)), traces));
    };

    const search = el('input', { id: 'search', type: 'search', placeholder: 'search rules and chains ( / )', 'aria-label': 'search rules and chains' });
    let waiting = 0;
    search.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(() => { state.filter = search.value.toLowerCase(); show(); }, 120); });
    const help = el('dialog', { 'aria-label': 'keys' }, el('h2', {}, 'Keys'), el('table', {}, [['/', 'search'], ['p', 'type a packet'], ['j, k', 'next and previous rule'], ['Enter', 'on a rule: to the chain it jumps to'],
      ['u', 'back'], ['n', 'way of the next packet'], ['f', 'findings'], ['e', 'exposure: what strangers reach'], ...(LISTS.d ? [['d', 'differences from the older rules']] : []), ['Esc', 'end the search, or darken the way'], ['?', 'this help']].map(([name, text]) => el('tr', {}, el('td', {}, el('kbd', {}, name)), el('td', {}, text)))),
      el('form', { method: 'dialog' }, el('button', { type: 'button', onclick: () => help.close() }, 'Close')));
    const header = el('header', {});
    const main = el('main', {});
    document.body.append(header, main, help);

    const show = () => {
      const kept = document.activeElement?.id;
      header.replaceChildren(el('h1', {}, ruleset()?.file ?? 'Ferrule'),
        ...D.rulesets.map((other, r) => D.rulesets.length > 1 ? el(`button${r === state.r ? '.pressed' : ''}`, { type: 'button', 'aria-pressed': String(r === state.r), onclick: () => go(r, 0, 0) }, other.family) : el('span.dim', {}, other.family)),
        el('span.grow', {}), search, el('button', { type: 'button', onclick: () => help.showModal() }, 'Keys'));
      main.replaceChildren(hookView(), chainList(), chainView(), el('aside', {}, packetView(), reportView()));
      if (kept && kept !== document.activeElement?.id) document.getElementById(kept)?.focus({ preventScroll: true });
    };
    const back = () => { const last = state.back.pop(); if (last) go(...last, false); };

    document.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
      if (event.key === 'Escape') {
        if (event.target === search) { search.value = ''; state.filter = ''; search.blur(); } else choose(-1);
        return show();
      }
      if (['INPUT', 'TEXTAREA'].includes(event.target.tagName)) return;
      const move = (by) => {
        const count = chain()?.rules.length ?? 0;
        if (count) go(state.r, state.t, state.c, Math.min(count, Math.max(1, state.rule + by)), false);
      };
      const keys = {
        '/': () => search.focus(), p: () => document.getElementById('packet')?.focus(), j: () => move(1), k: () => move(-1), u: back, '?': () => help.showModal(),
        n: () => state.traces.length && light((state.trace + 1) % state.traces.length),
        Enter: () => {
          const jump = chain()?.rules[state.rule - 1]?.[JUMP];
          if (event.target.tagName === 'LI' && jump >= 0) go(state.r, state.t, jump);
        },
        ...Object.fromEntries(Object.keys(LISTS).map((key) => [key, () => list(key)])),
      };
      if (Object.hasOwn(keys, event.key)) {
        if (event.key !== 'Enter') event.preventDefault();
        keys[event.key]();
      }
    });
    show();

    """#
}
