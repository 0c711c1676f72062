import { isAddress } from '../../net/address.js';
import type { FirewallAction } from '../../types.js';
import { valueAndMask } from './iptables-matches.js';
import { optionText, type RuleOption } from './iptables-words.js';
import { unsigned } from './names.js';

const all = 0xffffffff;

/** Targets that leave verdict, addresses and mark alone. */
const harmless = new Set(
  'LOG ULOG NFLOG TRACE TCPMSS TCPOPTSTRIP DSCP TOS TTL HL ECN CHECKSUM CLASSIFY AUDIT SECMARK CONNSECMARK IDLETIMER LED RATEEST SET TEE'.split(
    ' ',
  ),
);

/** What a rule does once it matched: `-j NAME options`. */
export function targetAction(name: string, options: readonly RuleOption[]): FirewallAction {
  const text = ['-j', name, ...options.map(optionText)].join(' ');
  const unknown: FirewallAction = { do: 'unknown', text };
  const option = (...names: string[]) => options.find((entry) => names.includes(entry.name))?.args[0];
  switch (name) {
    case 'ACCEPT':
      return { do: 'accept' };
    case 'DROP':
      return { do: 'drop' };
    case 'RETURN':
      return { do: 'return' };
    case 'REJECT':
      return { do: 'reject', with: option('--reject-with') ?? 'icmp-port-unreachable' };
    case 'MARK':
      return markAction(options) ?? unknown;
    case 'CONNMARK':
      return connmarkAction(options) ?? unknown;
    case 'NOTRACK':
      return { do: 'notrack' };
    case 'CT':
      // The other options attach a helper, zone or timeout, none of which turns the packet.
      return options.some((entry) => entry.name === '--notrack') ? { do: 'notrack' } : { do: 'nothing', text };
    case 'SNAT':
      return withTarget('snat', option('--to-source'));
    case 'DNAT':
      return withTarget('dnat', option('--to-destination'));
    case 'MASQUERADE':
      return { do: 'masquerade' };
    case 'REDIRECT':
      return { do: 'redirect' };
    case 'TPROXY':
      return tproxyAction(option('--on-ip'), option('--on-port'), option('--tproxy-mark')) ?? unknown;
    default:
      return harmless.has(name) ? { do: 'nothing', text } : unknown;
  }
}

function withTarget(kind: 'snat' | 'dnat', to: string | undefined): FirewallAction {
  return to === undefined ? { do: kind } : { do: kind, to };
}

function markAction(options: readonly RuleOption[]): FirewallAction | undefined {
  const changed = changedMark(options);
  return changed && { do: 'mark', ...changed };
}

/** Every form of setting a mark as (mark & ~mask) ^ value, the way xt_mark.c computes it. */
function changedMark(options: readonly RuleOption[]): { value: number; mask: number } | undefined {
  const [option, ...rest] = options;
  const given = valueAndMask(option?.args[0] ?? '');
  if (!option || !given || rest.length > 0) return undefined;
  const { value, mask } = given;
  switch (option.name) {
    case '--set-xmark':
      return { value, mask };
    case '--set-mark':
      // Clears the bits of the value, too: xt_mark's "--set-mark" is set-xmark value/(mask|value).
      return { value, mask: (mask | value) >>> 0 };
    case '--or-mark':
      return { value, mask: value };
    case '--and-mark':
      return { value: 0, mask: ~value >>> 0 };
    case '--xor-mark':
      return { value, mask: 0 };
    default:
      return undefined;
  }
}

function connmarkAction(options: readonly RuleOption[]): FirewallAction | undefined {
  const [first, ...rest] = options;
  if (first?.name !== '--save-mark' && first?.name !== '--restore-mark') {
    const changed = changedMark(options);
    return changed && { do: 'connection-mark', ...changed };
  }
  const given = new Map(rest.map(({ name, args: [value = ''] }) => [name, unsigned(value)]));
  const mask = given.has('--mask') ? given.get('--mask') : given.has('--ctmask') ? given.get('--ctmask') : all;
  const other = given.has('--nfmask') ? given.get('--nfmask') : mask;
  if (mask === undefined || other !== mask) return undefined;
  return { do: first.name === '--save-mark' ? 'save-mark' : 'restore-mark', mask };
}

function tproxyAction(ip: string | undefined, port: string | undefined, markText: string | undefined): FirewallAction | undefined {
  const to = ip !== undefined && isAddress(ip) && !/^(?:0\.0\.0\.0|::)$/.test(ip) ? ip : undefined;
  const number = port === undefined ? undefined : unsigned(port, 65535);
  const mark = markText === undefined ? undefined : valueAndMask(markText);
  if (port !== undefined && number === undefined) return undefined;
  if (markText !== undefined && mark === undefined) return undefined;
  return {
    do: 'tproxy',
    ...(to === undefined ? {} : { to }),
    // Port 0 keeps the packet's own destination port (xt_TPROXY.c).
    ...(number ? { port: number } : {}),
    ...(mark && mark.mask !== 0 ? { mark } : {}),
  };
}
