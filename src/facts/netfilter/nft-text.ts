import { entry, get, type Json, list, text, unwrap } from './nft-json.js';

const binary = new Set(['|', '&', '^', '<<', '>>']);

/** How an expression reads in nft's own language, near enough for a person to find it. */
export function expressionText(value: Json, hex = false): string {
  const bare = unwrap(value);
  if (typeof bare === 'number') return hex ? `0x${bare.toString(16)}` : String(bare);
  if (Array.isArray(bare)) return bare.map((item) => expressionText(item, hex)).join(',');
  const [kind, content] = entry(bare) ?? [];
  const inner = (key: string) => expressionText(get(content, key), hex);
  if (kind === undefined) return String(bare);
  if (binary.has(kind))
    return list(content)
      .map((item) => expressionText(item, hex || isMark(bare)))
      .join(` ${kind} `);
  switch (kind) {
    case 'payload':
      return get(content, 'protocol') === undefined
        ? `@${inner('base')},${inner('offset')},${inner('len')}`
        : `${inner('protocol')} ${inner('field')}`;
    case 'meta':
    case 'ct':
    case 'socket': {
      const key = text(get(content, 'key')) ?? '';
      return kind === 'meta' && /^(?:iif|oif)(?:name)?$/.test(key) ? key : `${kind} ${key}`;
    }
    case 'fib':
      return `fib ${list(get(content, 'flags')).map(String).join(' . ')} ${inner('result')}`;
    case 'prefix':
      return `${inner('addr')}/${inner('len')}`;
    case 'range':
      return list(content)
        .map((item) => expressionText(item, hex))
        .join('-');
    case 'concat':
      return list(content)
        .map((item) => expressionText(item, hex))
        .join(' . ');
    case 'set':
      return `{ ${list(content)
        .map((item) => mapping(item, hex))
        .join(', ')} }`;
    case 'map':
      return `${inner('key')} map ${mapData(content, hex)}`;
    default:
      return `${kind} ${compact(content)}`;
  }
}

function mapping(item: Json, hex: boolean): string {
  if (!Array.isArray(item)) return expressionText(item, hex);
  const [key, value] = item;
  return `${expressionText(key)} : ${isVerdict(value) ? statementText(value) : expressionText(value, hex)}`;
}

function mapData(content: Json, hex: boolean): string {
  return expressionText(get(content, 'data'), hex);
}

function isVerdict(value: Json): boolean {
  return /^(?:accept|drop|return|continue|jump|goto|queue)$/.test(entry(value)?.[0] ?? '');
}

function isMark(value: Json): boolean {
  const [kind, content] = entry(value) ?? [];
  if (kind === 'meta' || kind === 'ct') return get(content, 'key') === 'mark';
  return kind !== undefined && binary.has(kind) && list(content).some(isMark);
}

function compact(content: Json): string {
  return content === null || content === undefined ? '' : typeof content === 'string' ? content : JSON.stringify(content).slice(0, 200);
}

/** How a statement reads; counters are left out because they change. */
export function statementText(statement: Json): string {
  const [kind, content] = entry(statement) ?? [];
  if (kind === undefined) return text(statement) ?? '';
  switch (kind) {
    case 'match':
      return matchText(content);
    case 'vmap':
      return `${expressionText(get(content, 'key'))} vmap ${mapData(content, false)}`;
    case 'mangle': {
      const key = get(content, 'key');
      return `${expressionText(key)} set ${expressionText(get(content, 'value'), isMark(key))}`;
    }
    case 'counter':
      return typeof content === 'string' ? `counter name ${content}` : 'counter';
    case 'jump':
    case 'goto':
      return `${kind} ${text(get(content, 'target')) ?? ''}`;
    case 'log':
      return get(content, 'prefix') === undefined ? 'log' : `log prefix "${expressionText(get(content, 'prefix'))}"`;
    case 'reject':
      return [kind, ...(get(content, 'type') === undefined ? [] : ['with', get(content, 'type')]), get(content, 'expr')]
        .filter(Boolean)
        .join(' ');
    case 'snat':
    case 'dnat':
    case 'tproxy':
    case 'masquerade':
    case 'redirect':
      return natText(kind, content);
    case 'limit':
      return `limit rate ${get(content, 'inv') ? 'over ' : ''}${expressionText(get(content, 'rate'))}/${expressionText(get(content, 'per'))}`;
    case 'set':
      return `${expressionText(get(content, 'op'))} ${expressionText(get(content, 'set'))} { ${expressionText(get(content, 'elem'))} }`;
    default:
      return `${kind} ${compact(content)}`.trim();
  }
}

function natText(kind: string, content: Json): string {
  const [family, address, port] = [get(content, 'family'), get(content, 'addr'), get(content, 'port')];
  const flags = get(content, 'flags') === undefined ? '' : ` ${expressionText(get(content, 'flags'))}`;
  if (address === undefined && port === undefined) return `${kind}${flags}`;
  const host = address === undefined ? '' : expressionText(address);
  const target = port === undefined ? host : `${host.includes(':') ? `[${host}]` : host}:${expressionText(port)}`;
  return `${kind} ${family === undefined ? '' : `${expressionText(family)} `}to ${target}${flags}`;
}

function matchText(content: Json): string {
  const [left, right] = [get(content, 'left'), get(content, 'right')];
  const operator = text(get(content, 'op')) ?? '==';
  const relation = operator === '==' || operator === 'in' ? '' : ` ${operator}`;
  const what = expressionText(left, isMark(left));
  if (typeof right === 'boolean') return `${what}${relation} ${right ? 'exists' : 'missing'}`;
  const value = expressionText(right, isMark(left));
  const explicit = isMark(left) && entry(left)?.[0] === '&' && relation === '' ? ' ==' : relation;
  return `${what}${explicit} ${/^(?:iif|oif)name$/.test(what) && typeof right === 'string' ? `"${value}"` : value}`;
}
