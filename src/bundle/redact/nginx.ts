import { cover, isSecretName } from './names.js';

/** A word as nginx reads it. */
const value = String.raw`(?:"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|(?:\\[^\n]|[^\s;"'\\])+)`;
const start = String.raw`(?:^|(?<=[;{}\s]))`;

/** Headers whose values are no secret, and tell how nginx speaks to its upstreams. */
const plainHeaders =
  /^(?:Host|Connection|Upgrade|X-Forwarded-\w+|X-Real-IP|Forwarded|Accept-Encoding|Early-Data|X-Request-ID|Proxy|TE|Range|If-Range)$/i;

/** `proxy_set_header Authorization "…";` and its like. What upstreams are sent may let in whoever sends it, whatever its name is. */
const sentHeader = new RegExp(String.raw`(${start}\w*set_header\s+["']?)([\w-]+)(["']?\s+)(${value})`, 'gi');
const namedValue = new RegExp(
  String.raw`(${start}(?:add_header|add_trailer|more_set_(?:input_)?headers|fastcgi_param|uwsgi_param|scgi_param|auth_http_header|header|set)\s+["']?)(\$?[\w-]+)(["']?\s+)(${value})`,
  'gi',
);
/** Directives that have a secret for their argument. */
const secretDirective = new RegExp(
  String.raw`(${start}(?:secure_link_md5|proxy_set_body|(?=\w*(?:secret|passw|passphrase|token|api_key))\w+)\s+)(${value})(?=\s*;)`,
  'gi',
);
/** `if ($http_authorization = "Basic …")`, `if ($arg_t != abc)` */
const condition = new RegExp(String.raw`(\(\s*\$)(\w+)(\s*(?:!?=|!?~\*?)\s*)(${value})(?=\s*\)?)`, 'g');
const map = new RegExp(
  String.raw`(${start}map\s+)(\S+)(\s+\$)(\w+)(\s*\{)((?:"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|#[^\n]*|[^}"'#])*)`,
  'gi',
);
const mapEntry = new RegExp(String.raw`((?:^|;)(?:\s|#[^\n]*\n)*)(${value})(\s+)(${value})(?=\s*;)`, 'g');

/** What nginx's own language has in other forms than NAME=VALUE. */
export function redactNginx(text: string): string {
  return text
    .replace(sentHeader, (whole, before: string, name: string, between: string, held: string) =>
      plainHeaders.test(name) || isVariable(held) ? whole : `${before}${name}${between}${cover(held)}`,
    )
    .replace(namedValue, (whole, before: string, name: string, between: string, held: string) =>
      isSecretName(name) && !isVariable(held) ? `${before}${name}${between}${cover(held)}` : whole,
    )
    .replace(secretDirective, (whole, before: string, held: string) =>
      isVariable(held) || isHarmless(before.trim()) ? whole : `${before}${cover(held)}`,
    )
    .replace(condition, (whole, before: string, name: string, between: string, held: string) =>
      isAsked(name) || isSecretName(name) ? `${before}${name}${between}${coverInside(held)}` : whole,
    )
    .replace(map, (_, ...[map, from, dollar, to, brace, body]: [string, string, string, string, string, string]) => {
      const keys = from.split('$').some((name) => isAsked(name) || isSecretName(name));
      return `${map}${from}${dollar}${to}${brace}${mapped(body, keys, isSecretName(to))}`;
    });
}

/** Nothing but variables: `$token`, `"${a}$b"`. */
export function isVariable(held: string): boolean {
  return /^(["']?)(?:\$\w{1,128}|\$\{\w{1,128}\}){1,32}\1$/.test(held);
}

/** Names of files, and switches. */
function isHarmless(directive: string): boolean {
  return /_file$|^server_tokens$/i.test(directive);
}

/** What clients send along to be let in. */
function isAsked(variable: string): boolean {
  return /^(?:arg_|cookie_|http_(?:.*_)?(?:auth|authorization|cookie|token|key|secret)s?$)/i.test(variable);
}

/** A bare word ends at the parenthesis that closes the condition. */
function coverInside(held: string): string {
  const [closing = ''] = /^["']/.test(held) ? [] : (/\)+$/.exec(held) ?? []);
  return `${cover(held)}${closing}`;
}

/** `map $http_x_api_key $client { "…" one; }`: who knows the key is the one. */
function mapped(body: string, keys: boolean, values: boolean): string {
  if (!keys && !values) return body;
  return body.replace(mapEntry, (whole, before: string, key: string, between: string, held: string) => {
    const isSpecial = /^(?:default|include|hostnames|volatile)$/.test(key);
    if (key === 'include') return whole;
    return `${before}${keys && !isSpecial ? cover(key) : key}${between}${values && !isVariable(held) ? cover(held) : held}`;
  });
}
