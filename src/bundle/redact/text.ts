import { cover, isSecretName, redacted, secretPart } from './names.js';
import { isVariable, redactNginx } from './nginx.js';
import { redactKeys } from './private-keys.js';
import { redactUrls } from './urls.js';

/**
 * The text without what looks like a secret: private keys, passwords, tokens, cookies, authorization, credentials and queries in URLs. Lines stay
 * where they are, and so does what a diagnosis reads: names, addresses, ports, paths of files, variables of nginx. What looks like a secret by its
 * name alone goes, too; what is a secret and looks like none, such as a path that lets in whoever knows it, cannot be told.
 *
 * A hostile host chooses what is read here: every expression takes time in proportion to the text.
 */
export function redactText(text: string): string {
  return passes.reduce((result, pass) => pass(result), text);
}

/** A quoted or a bare value, as shells, YAML and ini files write it. */
const value = String.raw`(?:"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|[^\s;"'\0]+)`;
/** A whole name that sounds like a secret's. */
const name = String.raw`(?<![\w.$-])(?=[\w.-]*(?:${secretPart}))[\w.-]+`;

/** `Authorization: Basic …`, `Cookie: …` to the end of the line or of what quotes it. */
const headerLine = /(?<![\w-])((?:(?:proxy-)?authorization|(?:set-)?cookie2?)["']?[ \t]*[:=][ \t]*["']?)([^"'\r\n]+)/gi;
/** A line of its own, as files of settings have it, also behind the path that grep puts before it: to its end, but for what ends a directive of nginx. */
const settingLine = new RegExp(
  String.raw`^((?:/[^\s:]+:)?[ \t]*(?:export[ \t]+|- )?)(${name})([ \t]*[:=][ \t]*)([^\s"'][^\r\n]*?)(;?[ \t]*)$`,
  'gim',
);
const assignment = new RegExp(String.raw`(${name})(["']?[ \t]?[:=][ \t]?)(${value})`, 'gi');
const option = new RegExp(String.raw`(?=-)(${name})([ \t\0]+)(${value})`, 'gi');
/** `curl -u name:word`, `sshpass -p word` */
const loginOption = /((?:^|[\s\0])(?:-u|--user|--proxy-user|sshpass[\s\0]{1,9}-p)[\s\0=]{0,9})[^\s\0]+/g;
const scheme = /(?<!\w)(Basic|Bearer|Digest|Negotiate)[ \t]+(?!realm\b|auth\b|REDACTED\b)[A-Za-z0-9+/=._~-]{8,}/gi;
/** JSON web tokens, and what large services give out. */
const knownToken =
  /(?<![\w-])(?:eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?|(?:AKIA|ASIA)[A-Z0-9]{16}(?!\w)|gh[pousr]_\w{20,}|xox[abeoprs]-[\w-]{10,}|glpat-[\w-]{20,}|sk[_-](?:live_|test_|proj-)?\w{20,}|AIza[\w-]{35})/g;

type Part = string;
const passes: readonly ((text: string) => string)[] = [
  redactKeys,
  redactNginx,
  (text) => text.replace(headerLine, (_, before: Part, held: Part) => `${before}${held.trim() === '' ? held : redacted}`),
  (text) =>
    text.replace(settingLine, (whole, before: Part, named: Part, between: Part, held: Part, end: Part) =>
      isTelling(named, held) ? `${before}${named}${between}${redacted}${end}` : whole,
    ),
  (text) => text.replace(assignment, (whole, named: Part, between: Part, held: Part) => assigned(whole, named, between, held)),
  (text) => text.replace(option, (whole, named: Part, between: Part, held: Part) => assigned(whole, named, between, held)),
  (text) => text.replace(loginOption, `$1${redacted}`),
  redactUrls,
  (text) => text.replace(scheme, `$1 ${redacted}`),
  (text) => text.replace(knownToken, redacted),
];

function assigned(whole: string, named: string, between: string, held: string): string {
  if (!isTelling(named, held)) return whole;
  // What closes around the value, as in `if (token = abc)`, is no part of it.
  const [closing = ''] = /^["']/.test(held) ? [] : (/[)\]},]*$/.exec(held) ?? []);
  return `${named}${between}${cover(held)}${closing}`;
}

/** What a variable of nginx holds is told where it is set. */
function isTelling(named: string, held: string): boolean {
  return isSecretName(named) && !isVariable(held) && !/^["']?REDACTED/.test(held);
}
