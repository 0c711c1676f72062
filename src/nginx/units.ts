const milliseconds: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  M: 2_592_000_000,
  y: 31_536_000_000,
};

/** Milliseconds of an nginx time (`10s`, `1m30s`, `100ms`, `60` seconds); undefined when it is none (ngx_parse_time). */
export function parseTime(text: string): number | undefined {
  if (text === '' || text.length > 64 || !/^(?:\d+(?:ms|[smhdwMy]) *)*\d*$/.test(text)) return undefined;
  let total = 0;
  for (const [, digits, unit = 's'] of text.matchAll(/(\d+)(ms|[smhdwMy])?/g)) total += Number(digits) * (milliseconds[unit] ?? 0);
  return Number.isSafeInteger(total) ? total : undefined;
}

/** A count such as `proxy_responses 0`; undefined when it is no decimal number. */
export function parseCount(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** A port from 1 to 65535; undefined when the text is none. */
export function parsePort(text: string | undefined): number | undefined {
  const port = text !== undefined && text.length <= 5 ? parseCount(text) : undefined;
  return port !== undefined && port >= 1 && port <= 65535 ? port : undefined;
}
