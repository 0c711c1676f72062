import type { SshWords } from '../../types.js';

/** Where ssh goes. No part of it can be taken for an option, a shell's code, or one of ssh's own `%` words. */
export interface SshTarget {
  kind: 'ssh';
  /** A name, an alias of ssh_config, or an address (of IPv6 without brackets). */
  host: string;
  user?: string;
  /** 1 … 65535; else what ssh_config says. */
  port?: number;
  /** A file that ssh is to read instead of ~/.ssh/config and the system's. */
  config?: string;
  identityFile?: string;
  /** Where to go through, as ssh's `-J` takes it. */
  jump?: string;
}

const form = /^ssh:\/\/(?:([^@/]*)@)?(\[[^\]/]*\]|[^:[\]/@]*)(?::([^/]*))?\/?$/i;
const userForm = /^[A-Za-z0-9_][A-Za-z0-9._+-]{0,63}$/;
const nameForm = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$/;
const addressForm = /^\[((?=[^\]]*:)[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9][A-Za-z0-9._-]{0,31})?)\]$/;

/** `ssh://[user@]host[:port]`; a text says what is wrong with another. */
export function parseDestination(text: string): SshTarget | { error: string } {
  const [whole, user, place = '', digits] = form.exec(text) ?? [];
  if (whole === undefined) return wrong(text, 'expected ssh://[user@]host[:port], an IPv6 address in brackets');
  if (user?.includes(':')) return { error: 'a target has no place for a password: let ssh log in with a key' };
  if (user !== undefined && !userForm.test(user)) return wrong(text, 'the user may have letters, digits, dots, +, - and _');
  const host = nameForm.test(place) ? place : addressForm.exec(place)?.[1];
  if (host === undefined)
    return wrong(text, 'the host may be a name, an alias of ssh_config, an IPv4 address, or an IPv6 address in brackets');
  const port = digits === undefined ? undefined : portOf(digits);
  if (digits !== undefined && port === undefined) return wrong(text, 'the port is a number from 1 to 65535');
  return { kind: 'ssh', host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) };
}

const wrong = (text: string, what: string) => ({ error: `"${text}": ${what}` });

function portOf(digits: string): number | undefined {
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** A file whose name ssh could read as anything else is refused, and so is a jump that is no list of destinations. */
export function withWords(target: SshTarget, words: SshWords): SshTarget | { error: string } {
  const { config, identityFile, jump } = words;
  if (identityFile !== undefined && !/^[^\p{C}%"$]{1,4096}$/u.test(identityFile))
    return wrong(identityFile, 'this cannot be the name of a key file');
  const hops = jump?.split(',') ?? [];
  const astray = hops.map((hop) => parseDestination(`ssh://${hop}`)).find((hop) => 'error' in hop);
  if (astray && 'error' in astray) return { error: `the jump ${astray.error}` };
  return {
    ...target,
    ...(config === undefined ? {} : { config }),
    ...(identityFile === undefined ? {} : { identityFile }),
    ...(jump === undefined ? {} : { jump }),
  };
}

/** As a person would type it. */
export function textOf({ host, user, port }: SshTarget): string {
  const place = host.includes(':') ? `[${host}]` : host;
  return `ssh://${user === undefined ? '' : `${user}@`}${place}${port === undefined ? '' : `:${port}`}`;
}

/** The words that name the destination on ssh's command line. */
export function destinationWords({ host, user, port, identityFile, jump }: SshTarget): string[] {
  const ways = [...(identityFile === undefined ? [] : ['-i', identityFile]), ...(jump === undefined ? [] : ['-J', jump])];
  return [...ways, ...(user === undefined ? [] : ['-l', user]), ...(port === undefined ? [] : ['-p', String(port)]), '--', host];
}
