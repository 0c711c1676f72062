import { expect, test } from 'vitest';
import { setSysctls } from '../../src/cures/sysctl.js';
import { diagnose } from '../../src/engine/diagnose.js';
import type { Case, Conclusion, Cure, Rule, Snapshot } from '../../src/types.js';
import { articleCase } from '../kit/article.js';
import { dropSockets } from '../kit/change.js';

const options = { clients: [], roles: new Map() };

/** Mends what the first change broke, and may stop forwarding, which Direct Server Return needs. */
function cureOf(snapshot: Snapshot, port: number, { stopsForwarding }: { stopsForwarding: boolean }): Cure {
  const stop = setSysctls(snapshot, { 'net/ipv4/ip_forward': 0 }, 'as a bystander');
  return {
    host: snapshot.host,
    steps: [{ host: snapshot.host, kind: 'command', run: stopsForwarding ? 'costly' : 'cheap', why: 'a test' }],
    apply: (before) => {
      const after = stopsForwarding ? stop.apply(before) : before;
      const { nginxConfig } = after.facts;
      // The upstream is left out, wherever its port is named.
      const value = nginxConfig?.ok
        ? nginxConfig.value.map((config) => ({
            ...config,
            files: Object.fromEntries(
              Object.entries(config.files).map(([name, file]) => [
                name,
                file.ok
                  ? { ...file, text: file.text.replaceAll(new RegExp(`(server 172\\.16\\.0\\.11:${port}[^;]*);`, 'g'), '$1 down;') }
                  : file,
              ]),
            ),
          }))
        : [];
      return { ...after, facts: { ...after.facts, nginxConfig: { ok: true, value } } };
    },
  };
}

function ruleWith(c: Case, severity: Conclusion['severity'], kinds: readonly boolean[]): ReadonlyMap<string, Rule> {
  const proxy = c.snapshots.get('proxy');
  if (!proxy) throw new Error('no proxy');
  const rule: Rule = {
    title: 'a',
    why: 'b',
    signs: { logs: 'c', packets: 'd' },
    proof: 'e',
    cure: { how: 'f', touches: ['nginx'] },
    run: (now) => {
      const walks = severity === 'fault' ? now.walks.filter(({ end, upstream }) => end === 'broken' && upstream.port === 5300) : now.walks;
      const cures = kinds.map((stopsForwarding) => cureOf(proxy, 5300, { stopsForwarding }));
      const rest = { summary: 's', steps: [], evidence: [], explains: [], verify: [] };
      return walks.length > 0 ? [{ host: 'proxy', severity, certainty: 'proven', ...rest, walks, cures }] : [];
    },
  };
  return new Map([['test/rule', rule]]);
}

const broken = articleCase({ change: dropSockets('dev1', 5300) });
const runs = (c: Case, severity: Conclusion['severity'], kinds: readonly boolean[]) => {
  const [found] = diagnose(c, ruleWith(c, severity, kinds), options).diagnoses;
  return { fix: found?.fix.map((step) => (step.kind === 'command' ? step.run : '')), steps: found?.steps };
};

test('a cure that breaks another service is passed over while one is left that does not', () => {
  expect(runs(broken, 'fault', [true, false])).toEqual({ fix: ['cheap'], steps: [] });
});

test('where no other helps its price is told', () => {
  const { fix, steps } = runs(broken, 'fault', [true]);
  expect(fix).toEqual(['costly']);
  expect(steps?.join()).toContain('udp:53');
});

test('a risk is never cured by a fault', () => {
  const healthy = articleCase();
  expect(runs(healthy, 'risk', [true]).fix).toEqual([]);
  expect(runs(healthy, 'risk', [true, false]).fix).toEqual(['cheap']);
});
