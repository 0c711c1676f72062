import type { Check } from '../../src/types.js';

const check: Check<'outbound'> = {
  title: 'upstream reaches what it needs outside',
  roles: ['upstream'],
  needs: ['outbound'],
  why: "Upstreams whose gateway is nginx's host reach the outside only when that host forwards, and, with private addresses, masquerades what they send.",
  fix: "On nginx's host: sysctl -w net.ipv4.ip_forward=1, and MASQUERADE for the upstreams' subnet on the outer interface.",
  run: ({ outbound }, { host }) =>
    outbound.map(({ to, ok, text }) => ({
      status: ok ? 'pass' : 'warn',
      message: ok ? `${to} answers` : `${to} does not answer to a ping from here`,
      evidence: [{ host, what: text, source: `ping ${to}` }],
    })),
};

export default check;
