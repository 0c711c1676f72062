import type { Fact, Host, Qdisc, TcFilter, TrafficControl } from '../types.js';
import { fromReply, known, unknown } from './fact.js';
import { get, type Json, list, text } from './netfilter/nft-json.js';
import { type FilterPlace, parseFilters, parseFilterText } from './netfilter/tc-filter.js';

/** Queueing disciplines that the kernel sets by default and that take no filters worth asking for. */
const plain = new Set(['noqueue', 'pfifo_fast', 'pfifo', 'bfifo', 'fq_codel', 'fq', 'mq', 'tbf', 'netem']);

/** Queueing disciplines and the filters hanging on them: where `tc … action nat` rewrites packets. */
export async function read(host: Host): Promise<Fact<TrafficControl>> {
  const reply = await host({ run: ['tc', '-s', '-j', 'qdisc', 'show'] });
  const qdiscs = fromReply(reply, 'tc -s -j qdisc show', parseQdiscs);
  if (!qdiscs.ok) return qdiscs;
  const listings = await Promise.all(placesOf(qdiscs.value).map((place) => readFilters(host, place)));
  const missing = listings.find((listing) => !listing.ok);
  if (missing && !missing.ok) return unknown(missing.why);
  const filters = listings.flatMap((listing) => (listing.ok ? listing.value : []));
  return known({ qdiscs: qdiscs.value, filters: withoutEchoes(filters) });
}

/** The text of `tc -s -j qdisc show`. */
export function parseQdiscs(json: string): Qdisc[] {
  if (json.trim() === '') return [];
  return list(JSON.parse(json)).flatMap((item: Json) => {
    const [link, kind, handle, parent] = ['dev', 'kind', 'handle', 'parent'].map((key) => text(get(item, key)));
    return link !== undefined && kind !== undefined
      ? [{ link, kind, handle: handle ?? '0:', ...(parent === undefined ? {} : { parent }) }]
      : [];
  });
}

function placesOf(qdiscs: readonly Qdisc[]): FilterPlace[] {
  return qdiscs.flatMap(({ link, kind, parent }): FilterPlace[] => {
    if (kind === 'clsact')
      return [
        { link, hook: 'ingress' },
        { link, hook: 'egress' },
      ];
    if (kind === 'ingress') return [{ link, hook: 'ingress' }];
    return plain.has(kind) || parent !== undefined ? [] : [{ link }];
  });
}

async function readFilters(host: Host, place: FilterPlace): Promise<Fact<TcFilter[]>> {
  const what = ['filter', 'show', 'dev', place.link, ...(place.hook ? [place.hook] : [])];
  const run = ['tc', '-s', '-j', ...what];
  const parsed = fromReply(await host({ run }), run.join(' '), (json) => parseFilters(json, place));
  if (parsed.ok) return parsed;
  // Older iproute2 breaks its own JSON with u32 filters.
  const plainRun = ['tc', '-s', ...what];
  return fromReply(await host({ run: plainRun }), plainRun.join(' '), (text) => parseFilterText(text, place));
}

/**
 * u32 filters of the same priority on both sides of one clsact share their tables, and tc lists all of them under either side
 * (u32_walk asks for the priority alone). Which side they hang on cannot be told, so their match is left out.
 */
function withoutEchoes(filters: readonly TcFilter[]): TcFilter[] {
  const sides = new Set(filters.filter(isU32OfClsact).map((filter) => `${filter.link} ${filter.parent} ${filter.priority}`));
  return filters.map((filter) => {
    const other = `${filter.link} ${filter.parent === 'ingress' ? 'egress' : 'ingress'} ${filter.priority}`;
    if (!isU32OfClsact(filter) || !sides.has(other)) return filter;
    const { match: _, ...rest } = filter;
    return rest;
  });
}

function isU32OfClsact({ kind, parent }: TcFilter): boolean {
  return kind === 'u32' && (parent === 'ingress' || parent === 'egress');
}
