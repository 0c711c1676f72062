import { isSecretName } from './names.js';

/** What stands where a secret was. It means nothing to nginx, to a shell or to JSON. */
export const redacted = 'REDACTED';

/**
 * The text without what looks like a secret: private keys, passwords, tokens, cookies, authorization, credentials and queries in URLs. Lines stay
 * where they are, and so does what a diagnosis reads: names, addresses, ports, paths of files, variables of nginx. What looks like a secret by its
 * name alone goes, too; what is a secret and looks like none, such as a path that lets in whoever knows it, cannot be told.
 */
export function redactText(text: string): string {
  return passes.reduce((result, pass) => pass(result), text);
}

/** A quoted or a bare value, as nginx, shells, YAML and ini files write it. */
const value = String.raw`(?:"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|(?:\\[^\n]|[^\s;{}"'\\,&)<>\0])+)`;
const nginxValue = String.raw`(?:"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|(?:\\[^\n]|[^\s;"'\\])+)`;

const passes: readonly ((text: string) => string)[] = [
  privateKeys,
  (text) => text.replace(headerLine, (_, name: string, held: string) => `${name}${held.trim() === '' ? held : redacted}`),
  nginxHeaders,
  nginxMaps,
  (text) => text.replace(nginxSecret, (whole, before: string, held: string) => (isVariable(held) ? whole : `${before}${cover(held)}`)),
  (text) => text.replace(nginxCondition, (_, before: string, held: string) => `${before}${cover(held)}`),
  (text) => text.replace(assignment, (whole, name: string, between: string, held: string) => assigned(whole, name, between, held)),
  (text) => text.replace(commandOption, (whole, name: string, between: string, held: string) => assigned(whole, name, between, held)),
  (text) => text.replace(loginOption, `$1${redacted}`),
  (text) => text.replace(userInfo, `$1${redacted}:${redacted}@`),
  (text) => text.replace(urlQuery, (_, before: string, query: string) => `${before}${coverQuery(query)}`),
  (text) => text.replace(requestQuery, (_, before: string, query: string) => `${before}${coverQuery(query)}`),
  (text) => text.replace(scheme, `$1 ${redacted}`),
  (text) => text.replace(knownToken, redacted),
];

/** `Authorization: Basic …`, `Cookie: …` to the end of the line or of what quotes it. */
const headerLine =
  /\b((?:proxy-)?authorization["']?[ \t]*[:=][ \t]*["']?|(?:set-)?cookie2?["']?[ \t]*[:=][ \t]*["']?)([^"'\r\n]{1,65536})/gi;

/** `set $secret word;`, `secure_link_secret word;`, `mgmt_token "…";` */
const nginxSecret = new RegExp(
  String.raw`((?:^|[;{}\s])(?:set\s+\$\w*(?:secret|token|passw|credential|api_?key|cookie|session)\w*|secure_link_md5|secure_link_secret|\w*(?:secret|password|passwd|passphrase|token|api_key))\s+)(${nginxValue})(?=\s*;)`,
  'gi',
);
/** `if ($http_authorization = "Basic …")`, `if ($arg_token != abc)` */
const nginxCondition = new RegExp(
  String.raw`(\(\s*\$(?:http_\w*(?:auth|cookie|token|key|secret)\w*|cookie_\w+|arg_\w+|\w*(?:secret|token|passw)\w*)\s*(?:!?=|!?~\*?)\s*)(${value})`,
  'gi',
);
const assignment = new RegExp(String.raw`([A-Za-z_][\w.-]{0,127})(["']?\s?[:=]\s?)(${value})`, 'g');
const commandOption = new RegExp(String.raw`(--?[A-Za-z][\w-]{0,127})([ \t\0]+)(${value})`, 'g');
/** `curl -u name:word`, `sshpass -p word` */
const loginOption = /((?:^|[\s\0])(?:-u|--user|--proxy-user|sshpass[\s\0]{1,9}-p)[\s\0=]{0,9})[^\s\0]{1,4096}/g;
const userInfo = /\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@"'?#;<>]{1,1024}@/gi;
const urlQuery = /\b([a-z][a-z0-9+.-]{0,30}:\/\/[^\s"'<>?;]{0,8192}\?)([^\s"'<>;]{1,65536})/gi;
/** The line that a request begins with, as logs quote it. */
const requestQuery = /(\b[A-Z]{3,20} [^\s"?]{0,8192}\?)([^\s"]{1,65536})/g;
const scheme = /\b(Basic|Bearer|Digest|Negotiate)[ \t]+(?!realm\b|auth\b)[A-Za-z0-9+/=._~-]{8,}/g;
/** JSON web tokens, and what large services give out. */
const knownToken =
  /\b(?:eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?|(?:AKIA|ASIA)[A-Z0-9]{16}\b|gh[pousr]_\w{20,}|xox[abeoprs]-[\w-]{10,}|glpat-[\w-]{20,}|sk[_-](?:live_|test_|proj-)?\w{20,}|AIza[\w-]{35})/g;

/** A value by its name. What a variable of nginx holds is told where it is set. */
function assigned(whole: string, name: string, between: string, held: string): string {
  if (!isSecretName(name) || isVariable(held) || held.startsWith(redacted)) return whole;
  return `${name}${between}${cover(held)}`;
}

const headerDirective = new RegExp(
  String.raw`((?:^|[;{}\s])(?:\w*set_header|add_header|add_trailer|more_set_(?:input_)?headers|fastcgi_param|uwsgi_param|scgi_param|auth_http_header|proxy_cookie_\w+|header)\s+["']?)([\w-]+)(["']?\s+)(${nginxValue})`,
  'gi',
);

/** `proxy_set_header Authorization "…";` and its like for other protocols. */
function nginxHeaders(text: string): string {
  return text.replace(headerDirective, (whole, before: string, name: string, between: string, held: string) =>
    isSecretName(name) && !isVariable(held) ? `${before}${name}${between}${cover(held)}` : whole,
  );
}

const secretMap = /(\bmap\s+\S{1,256}\s+\$\w{1,128}\s*\{)([^}]{0,1048576})/gi;
const mapLine = new RegExp(String.raw`^(\s*)(${nginxValue})(\s+)(${nginxValue})(?=\s*;)`, 'gm');

/** `map $http_x_api_key $client { "…" one; }`: who knows the key is the one. */
function nginxMaps(text: string): string {
  return text.replace(secretMap, (whole, head: string, body: string) => {
    const [, from = '', to = ''] = /map\s+(\S+)\s+\$(\w+)/i.exec(head) ?? [];
    const [keys, values] = [
      /\$(?:http_\w*(?:auth|cookie|token|key|secret)|cookie_|arg_)/i.test(from) || isSecretName(from),
      isSecretName(to),
    ];
    if (!keys && !values) return whole;
    const covered = body.replace(mapLine, (line, before: string, key: string, between: string, held: string) => {
      if (/^(?:default|include|hostnames|volatile)$/.test(key))
        return values && key === 'default' ? `${before}${key}${between}${cover(held)}` : line;
      return `${before}${keys ? cover(key) : key}${between}${values ? cover(held) : held}`;
    });
    return head + covered;
  });
}

/** Keeps quotes, and the lines of what spans several. */
function cover(held: string): string {
  const quote = /^["']/.test(held) ? held.charAt(0) : '';
  const lines = held.split('\n').length;
  return `${quote}${Array.from({ length: lines }, () => redacted).join('\n')}${quote}`;
}

/** `?a=1&b=2` keeps its names. */
function coverQuery(query: string): string {
  return query
    .split('&')
    .map((part) => (part.includes('=') ? `${part.slice(0, part.indexOf('='))}=${redacted}` : redacted))
    .join('&');
}

/** `$token`, `${token}`, `"$a$b"`: nothing but variables. */
function isVariable(held: string): boolean {
  return /^(["']?)(?:\$\w{1,128}|\$\{\w{1,128}\}){1,32}\1$/.test(held);
}

const keyBegin = /-----BEGIN [A-Z0-9 ]{0,60}PRIVATE KEY(?: BLOCK)?-----/;
const keyEnd = /-----END [A-Z0-9 ]{0,60}PRIVATE KEY(?: BLOCK)?-----/;
/** A line of a key whose beginning is not to be seen. */
const keyLine = /^[A-Za-z0-9+/]{48,}={0,2}$/;

/** Keys in PEM, also where a text has its lines escaped into one. */
function privateKeys(text: string): string {
  if (!/-----|[A-Za-z0-9+/]{48}/.test(text)) return text;
  let inside = false;
  return text
    .split('\n')
    .map((line) => {
      const [begin, end] = [inside ? undefined : keyBegin.exec(line), keyEnd.exec(line)];
      if (inside && !end) return redacted;
      if (inside && end) {
        inside = false;
        return `${redacted}${line.slice(end.index)}`;
      }
      if (!begin) return keyLine.test(line.trim()) ? redacted : line;
      const from = begin.index + begin[0].length;
      inside = !end;
      return `${line.slice(0, from)}${redacted}${end && end.index >= from ? line.slice(end.index) : ''}`;
    })
    .join('\n');
}
