import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIptablesSave } from '../../src/facts/netfilter/iptables-save.js';
import { combineTables, describeRule, evaluate, type FirewallContext, type FirewallOutcome } from '../../src/path/firewall.js';
import type { FirewallChain, FirewallRule, FirewallSource, FirewallTable, Hook, Packet } from '../../src/types.js';

const reply: Packet = {
  family: 4,
  protocol: 6,
  source: '172.16.0.11',
  destination: '192.168.99.50',
  sourcePort: 80,
  destinationPort: 41_000,
  tcpFlags: 18,
  mark: 0,
};
const context: FirewallContext = {
  in: 'eth1',
  out: 'eth0',
  state: 'established',
  addressType: () => 'unicast',
  socket: 'none',
  firstOfConnection: false,
};

function rules(text: string, source: FirewallSource = 'iptables-nft'): FirewallTable[] {
  const [table = '', ...lines] = text
    .trim()
    .split('\n')
    .map((line) => line.trim());
  return parseIptablesSave([`*${table}`, ...lines].join('\n'), { source, family: 4 });
}

function run(tables: readonly FirewallTable[], hook: Hook, change: Partial<FirewallContext> = {}, packet = reply): FirewallOutcome[] {
  return evaluate(tables, hook, packet, { ...context, ...change });
}

function only(outcomes: readonly FirewallOutcome[]): FirewallOutcome {
  const [outcome] = outcomes;
  if (!outcome || outcomes.length > 1 || outcome.unknownBecause) throw new Error(`not certain: ${JSON.stringify(outcomes)}`);
  return outcome;
}

const marking = rules(`mangle
  :PREROUTING ACCEPT
  -A PREROUTING -s 172.16.0.0/28 -p tcp -m tcp --sport 80 -j MARK --set-xmark 0x1/0xffffffff`);

test('the article’s rule marks a reply and says which rule it was', () => {
  const outcome = only(run(marking, 'prerouting'));
  expect(outcome.packet.mark).toBe(1);
  expect(outcome.touched.map(({ table, chain, rule }) => describeRule(table, chain, rule))).toEqual([
    { what: marking[0]?.chains[0]?.rules[0]?.text, source: 'iptables-save -t mangle, chain PREROUTING' },
  ]);
});

test('a packet of the other family passes by', () => {
  const packet: Packet = { ...reply, family: 6, source: '2001:db8::1', destination: '2001:db8::2' };
  expect(only(run(marking, 'prerouting', {}, packet)).packet.mark).toBe(0);
});

test('an accept ends one table only, a drop ends the way; a policy has no rule', () => {
  const accepting = rules('mangle\n:INPUT ACCEPT\n-A INPUT -j ACCEPT');
  const dropping = rules('filter\n:INPUT DROP');
  const outcome = only(run([...accepting, ...dropping], 'input'));
  expect(outcome.verdict).toBe('drop');
  expect(outcome.by?.rule).toBeUndefined();
  expect(outcome.by && describeRule(outcome.by.table, outcome.by.chain, outcome.by.rule).what).toBe('policy drop');
});

test('tables run by priority, whatever their order in the listing', () => {
  const early = rules('raw\n:PREROUTING ACCEPT\n-A PREROUTING -j MARK --set-mark 2');
  const late = rules('mangle\n:PREROUTING ACCEPT\n-A PREROUTING -m mark --mark 2 -j MARK --set-mark 3');
  expect(only(run([...late, ...early], 'prerouting')).packet.mark).toBe(3);
});

describe('a match that cannot be told', () => {
  test('does no harm where nothing depends on it', () => {
    const tables = rules('filter\n:INPUT ACCEPT\n-A INPUT -m limit --limit 5/min -j LOG\n-A INPUT -m owner --uid-owner 0 -j ACCEPT');
    expect(only(run(tables, 'input')).verdict).toBe('accept');
  });

  test('gives both ends where it decides, and names the rule', () => {
    const outcomes = run(rules('filter\n:INPUT ACCEPT\n-A INPUT -m recent --name x --rcheck -j DROP'), 'input');
    expect(outcomes.map(({ verdict }) => verdict).sort()).toEqual(['accept', 'drop']);
    expect(outcomes.every(({ unknownBecause }) => unknownBecause?.text.includes('recent'))).toBe(true);
  });

  test('is forgotten when its branches meet again: the rule named is the one that decides', () => {
    const tables = rules('filter\n:INPUT ACCEPT\n-A INPUT -m limit --limit 1/s -j LOG\n-A INPUT -m string --string x --algo bm -j DROP');
    expect(run(tables, 'input').map(({ unknownBecause }) => unknownBecause?.text.includes('string'))).toEqual([true, true]);
  });

  test('an unknown target may do anything, also where the policy drops', () => {
    expect(
      run(rules('filter\n:INPUT DROP\n-A INPUT -j NFQUEUE --queue-num 1'), 'input')
        .map(({ verdict }) => verdict)
        .sort(),
    ).toEqual(['accept', 'drop']);
  });
});

describe('connection tracking', () => {
  const stateful = rules('filter\n:INPUT DROP\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT');
  const notrack = rules('raw\n:PREROUTING ACCEPT\n-A PREROUTING -j CT --notrack');

  test('state comes from the context, and is unknown without it', () => {
    expect(only(run(stateful, 'input')).verdict).toBe('accept');
    expect(only(run(stateful, 'input', { state: 'new' })).verdict).toBe('drop');
    expect(run(stateful, 'input', { state: undefined })).toHaveLength(2);
  });

  test('NOTRACK in raw makes the packet untracked, in mangle it comes too late', () => {
    expect(only(run(notrack, 'prerouting')).tracked).toBe(false);
    expect(only(run(rules('mangle\n:PREROUTING ACCEPT\n-A PREROUTING -j CT --notrack'), 'prerouting')).tracked).toBe(true);
  });

  test('before tracking every packet is invalid', () => {
    const early = rules('raw\n:PREROUTING ACCEPT\n-A PREROUTING -m conntrack --ctstate INVALID -j DROP');
    expect(only(run(early, 'prerouting')).verdict).toBe('drop');
  });

  test('nat is consulted for a tracked connection’s first packet only', () => {
    const nat = rules('nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o eth0 -j MASQUERADE\n-A POSTROUTING -j SNAT --to-source 192.0.2.1');
    const first: Partial<FirewallContext> = { state: 'new', firstOfConnection: true };
    expect(only(run(nat, 'postrouting', first)).nat).toEqual({ kind: 'masquerade' });
    expect(only(run(nat, 'postrouting')).nat).toBeUndefined();
    expect(only(run(nat, 'postrouting', { ...first, state: 'untracked' })).nat).toBeUndefined();
    expect(only(run(nat, 'postrouting', { ...first, out: 'eth2' }))).toMatchObject({
      nat: { kind: 'snat', to: '192.0.2.1' },
      packet: { source: '192.0.2.1' },
    });
  });

  test('a destination translation changes the packet where the new address is a single one', () => {
    const first: Partial<FirewallContext> = { state: 'new', firstOfConnection: true };
    const dnat = (to: string) =>
      only(run(rules(`nat\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp -j DNAT --to-destination ${to}`), 'prerouting', first)).packet;
    expect(dnat('10.0.0.1:8080')).toMatchObject({ destination: '10.0.0.1', destinationPort: 8080 });
    expect(dnat('10.0.0.1-10.0.0.4')).toEqual(reply);
  });

  test('a restored mark is 0 where no rule ever saves one, and not known where one does', () => {
    const restore = '-A PREROUTING -j CONNMARK --restore-mark';
    expect(only(run(rules(`mangle\n:PREROUTING ACCEPT\n${restore}`), 'prerouting', {}, { ...reply, mark: 7 })).packet.mark).toBe(0);
    const saved = rules(`mangle\n:PREROUTING ACCEPT\n:POSTROUTING ACCEPT\n${restore}\n-A POSTROUTING -j CONNMARK --save-mark`);
    expect(run(saved, 'prerouting').map(({ packet }) => packet.mark)).toEqual([0, 0xffffffff]);
    expect(only(run(saved, 'prerouting', { connectionMark: 5 })).packet.mark).toBe(5);
  });
});

describe('sockets, address types and the reverse path come from the host', () => {
  const socket = rules('mangle\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp -m socket --transparent -j MARK --set-mark 1');
  test.each([
    ['transparent', [1]],
    ['plain', [0]],
    ['none', [0]],
    ['unknown', [0, 1]],
  ] as const)('socket %s', (kind, marks) => {
    expect(run(socket, 'prerouting', { socket: kind }).map(({ packet }) => packet.mark)).toEqual(marks);
  });

  test('address type', () => {
    const tables = rules('filter\n:INPUT DROP\n-A INPUT -m addrtype --dst-type LOCAL,BROADCAST -j ACCEPT');
    expect(only(run(tables, 'input', { addressType: () => 'local' })).verdict).toBe('accept');
    expect(only(run(tables, 'input')).verdict).toBe('drop');
    expect(run(tables, 'input', { addressType: () => undefined })).toHaveLength(2);
  });

  test('the reverse path is looked up with the mark that the packet has by then, if the rule says so', () => {
    const asked: [boolean, number][] = [];
    const reversePath = (loose: boolean, mark: number) => {
      asked.push([loose, mark]);
      return true;
    };
    const tables = rules(
      'mangle\n:PREROUTING ACCEPT\n-A PREROUTING -j MARK --set-mark 1\n-A PREROUTING -m rpfilter --validmark --invert -j DROP\n-A PREROUTING -m rpfilter --loose --invert -j DROP',
    );
    expect(only(run(tables, 'prerouting', { reversePath })).verdict).toBe('accept');
    expect(asked).toEqual([
      [false, 1],
      [true, 0],
    ]);
  });
});

test('TPROXY is recorded, sets its mark and ends its table', () => {
  const tables = rules(
    'mangle\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp -j TPROXY --on-port 3128 --on-ip 127.0.0.1 --tproxy-mark 0x1/0x1\n-A PREROUTING -j DROP',
  );
  expect(only(run(tables, 'prerouting'))).toMatchObject({
    verdict: 'accept',
    tproxy: { to: '127.0.0.1', port: 3128 },
    packet: { mark: 1 },
  });
});

test('interfaces: a wildcard, and a hook that has no such interface', () => {
  const tables = rules('filter\n:OUTPUT ACCEPT\n:user -\n-A OUTPUT -o et+ -j user\n-A user ! -i eth1 -j DROP');
  expect(only(run(tables, 'output')).verdict).toBe('drop');
});

const accept: FirewallRule = { text: 'accept', steps: [{ do: 'accept' }] };
const nftTable = (chains: FirewallChain[], change: Partial<FirewallTable> = {}): FirewallTable => ({
  source: 'nft',
  family: 'ip',
  name: 't',
  chains,
  sets: {},
  ...change,
});
const base = (steps: FirewallRule['steps'], hook: Hook = 'prerouting', priority = 0): FirewallChain => ({
  name: 'base',
  base: { hook, priority, type: 'filter' },
  policy: 'accept',
  rules: [{ text: 'rule', steps }],
});

test.each([
  ['a packet with ports', {}, false],
  ['a later fragment', { sourcePort: undefined, destinationPort: undefined }, true],
  ['ICMP, which has none either', { protocol: 1, sourcePort: undefined, destinationPort: undefined }, false],
])('a rule for later fragments takes of these one alone: %s', (_, change, isTaken) => {
  const { sourcePort, destinationPort, ...rest } = { ...reply, ...change };
  const packet: Packet = {
    ...rest,
    ...(sourcePort === undefined ? {} : { sourcePort }),
    ...(destinationPort === undefined ? {} : { destinationPort }),
  };
  const drop = (not: boolean) => [nftTable([base([{ match: 'later-fragment', not }, { do: 'drop' }])])];
  expect(only(run(drop(false), 'prerouting', {}, packet)).verdict).toBe(isTaken ? 'drop' : 'accept');
  expect(only(run(drop(true), 'prerouting', {}, packet)).verdict).toBe(isTaken ? 'accept' : 'drop');
});

test('nat chains run at the priority of the nat hook, whatever their own says', () => {
  const mark = base([{ do: 'mark', value: 1, mask: 0xffffffff }], 'prerouting', 0);
  const nat: FirewallChain = {
    name: 'nat',
    base: { hook: 'prerouting', priority: 50, type: 'nat' },
    rules: [{ text: 'nat', steps: [{ match: 'mark', of: 'packet', not: false, value: 1, mask: 1 }, { do: 'redirect' }] }],
  };
  const first: Partial<FirewallContext> = { state: 'new', firstOfConnection: true };
  const early: FirewallChain = { ...mark, base: { hook: 'prerouting', priority: -150, type: 'filter' } };
  expect(only(run([nftTable([mark, nat])], 'prerouting', first)).nat).toBeUndefined();
  expect(only(run([nftTable([early, nat])], 'prerouting', first)).nat).toEqual({ kind: 'redirect' });
});

test('a stateless rewrite by a map takes only what the map has, and ends the rule for the rest', () => {
  const chain = base([{ do: 'rewrite', field: 'source-address', map: { '172.16.0.11': '192.168.99.10' } }, { do: 'drop' }], 'postrouting');
  expect(run([nftTable([chain])], 'postrouting').map(({ verdict, packet }) => [verdict, packet.source])).toEqual([
    ['drop', '192.168.99.10'],
  ]);
  expect(only(run([nftTable([chain])], 'postrouting', {}, { ...reply, source: '172.16.0.99' }))).toMatchObject({ verdict: 'accept' });
});

test('a named set that could not be read is unknown, an empty one is not', () => {
  const chain = base([{ match: 'set', not: false, set: 's', fields: ['source-address'] }, { do: 'drop' }]);
  expect(run([nftTable([chain])], 'prerouting')).toHaveLength(2);
  expect(only(run([nftTable([chain], { sets: { s: [] } })], 'prerouting')).verdict).toBe('accept');
  expect(only(run([nftTable([chain], { sets: { s: [{ key: [['172.16.0.0', '172.16.0.15']] }] } })], 'prerouting')).verdict).toBe('drop');
});

test('chains of a device see only its packets; without the device it is not certain', () => {
  const chain = base([{ do: 'drop' }], 'ingress');
  const on = (devices?: string[]) =>
    run(
      [
        nftTable([{ ...chain, base: { hook: 'ingress', priority: 0, type: 'filter', ...(devices ? { devices } : {}) } }], {
          family: 'netdev',
        }),
      ],
      'ingress',
    );
  expect(only(on(['eth1'])).verdict).toBe('drop');
  expect(only(on(['eth7'])).verdict).toBe('accept');
  expect(on()).toHaveLength(2);
});

test('iptables tables are not evaluated a second time as nft shows them', () => {
  const shown = nftTable([base([{ match: 'unknown', text: 'xt match' }, { do: 'drop' }])], { name: 'mangle' });
  const own = nftTable([base([{ do: 'accept' }])], { name: 'own' });
  expect(combineTables([], marking, [shown, own]).map(({ source, name }) => `${source} ${name}`)).toEqual([
    'iptables-nft mangle',
    'nft own',
  ]);
  expect(combineTables([], [], [shown]).map(({ source }) => source)).toEqual(['nft']);
});

test('a jump to nowhere, a jump in a circle and jumps made to explode end, and are not certain', () => {
  const jump = (chain: string): FirewallRule => ({ text: `jump ${chain}`, steps: [{ do: 'jump', chain }] });
  const chain = (name: string, to: string, times: number): FirewallChain => ({
    name,
    rules: Array.from({ length: times }, () => jump(to)),
  });
  const start = (to: string): FirewallChain => ({ ...base([{ do: 'jump', chain: to }]), policy: 'drop' });
  const bomb = Array.from({ length: 16 }, (_, level) => chain(`c${level}`, `c${level + 1}`, 30));
  const unsure: FirewallRule = {
    text: 'unsure',
    steps: [{ match: 'unknown', text: '?' }, ...Array.from({ length: 60 }, () => ({ do: 'restore-mark', mask: 1 }) as const)],
  };
  const forks: FirewallChain = {
    ...base([]),
    rules: [
      unsure,
      {
        text: 'save',
        steps: [
          { match: 'unknown', text: '?' },
          { do: 'save-mark', mask: 1 },
        ],
      },
    ],
  };
  for (const chains of [[start('nowhere')], [start('a'), chain('a', 'a', 2)], [start('c0'), ...bomb], [forks]]) {
    const started = performance.now();
    const outcomes = run([nftTable(chains)], 'prerouting');
    expect(outcomes.length > 1 || outcomes[0]?.unknownBecause !== undefined).toBe(true);
    expect(performance.now() - started).toBeLessThan(3000);
  }
});

test('no rules: the packet passes as it is', () => {
  expect(run([], 'input')).toEqual([{ verdict: 'accept', packet: reply, tracked: true, connectionMark: 0, touched: [] }]);
  expect(only(run([nftTable([{ ...base([]), rules: [accept] }])], 'prerouting')).packet).toBe(reply);
});

const step = fc.constantFrom<FirewallRule['steps'][number]>(
  { match: 'unknown', text: '?' },
  { match: 'mark', of: 'connection', not: false, value: 1, mask: 1 },
  { match: 'mark', of: 'packet', not: true, value: 1, mask: 3 },
  { do: 'mark', value: 3, mask: 1 },
  { do: 'save-mark', mask: 0xf },
  { do: 'restore-mark', mask: 0xff },
  { do: 'rewrite', field: 'source-address', to: 'junk' },
  { do: 'rewrite', field: 'source-port', to: '99999' },
  { do: 'unknown', text: '?' },
  { do: 'jump', chain: 'base' },
  { do: 'goto', chain: 'other' },
  { do: 'drop' },
  { do: 'return' },
  { do: 'snat', to: '1.2.3.4:x' },
);

test('any rules give at least one outcome, and several always name a rule', () => {
  fc.assert(
    fc.property(fc.array(fc.array(step, { maxLength: 5 }), { maxLength: 6 }), (list) => {
      const made = list.map((steps, index) => ({ text: `${index}`, steps }));
      const outcomes = run(
        [
          nftTable([
            { ...base([]), rules: made },
            { name: 'other', rules: made.slice(1) },
          ]),
        ],
        'prerouting',
      );
      expect(outcomes.length).toBeGreaterThan(0);
      if (outcomes.length > 1) expect(outcomes.every(({ unknownBecause }) => unknownBecause !== undefined)).toBe(true);
    }),
    { numRuns: 200 },
  );
});
