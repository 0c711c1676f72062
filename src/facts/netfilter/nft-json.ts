/** Values as JSON.parse gives them, before anything is known of their shape. */
export type Json = unknown;
export type JsonObject = Readonly<Record<string, Json>>;

export function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own property; what a hostile document puts on a prototype is never seen. */
export function get(value: Json, ...path: readonly string[]): Json {
  let current = value;
  for (const key of path) {
    if (!isObject(current) || !Object.hasOwn(current, key)) return undefined;
    current = current[key];
  }
  return current;
}

export function list(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
}

export function text(value: Json): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function number(value: Json): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** nft writes a statement or expression as an object with one key: its kind and its content. */
export function entry(value: Json): readonly [string, Json] | undefined {
  if (!isObject(value)) return undefined;
  const [key] = Object.keys(value);
  return key === undefined ? undefined : [key, value[key]];
}

/** An element without the wrapper that carries its timeout, counter or comment. */
export function unwrap(value: Json): Json {
  const inner = get(value, 'elem', 'val');
  return inner === undefined ? value : inner;
}
