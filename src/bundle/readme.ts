import { bundleDirectory, type Manifest } from './manifest.js';

/** What a person finds who unpacks the bundle without knowing what it is. */
export function readmeOf({ tool, createdAt, hosts }: Pick<Manifest, 'tool' | 'createdAt' | 'hosts'>): string {
  const reached = hosts.map(({ name, reached: was, why }) => `  ${name}${was ? '' : `: not reached (${why ?? 'no reason'})`}`);
  return `${[
    'A support bundle of tpdoctor',
    '============================',
    '',
    `Made by tpdoctor ${tool.version} at ${createdAt}, of these hosts:`,
    ...reached,
    '',
    'With tpdoctor at hand there is no need to unpack it:',
    '',
    '  tpdoctor check FILE.tgz                the diagnosis, just as it was made there',
    '  tpdoctor trace FILE.tgz                the same with the packets, where it has captures',
    '  tpdoctor path --from IP --to IP:PORT FILE.tgz',
    '',
    'What is in it',
    '-------------',
    '',
    '  report.txt, report.json    the diagnosis',
    '  hosts/N-NAME/snapshot.json what is known of a host, which the diagnosis was made from',
    '  hosts/N-NAME/replies/      what the host answered, one file for each question, in their order',
    '  captures/                  packets, where they were captured',
    '  manifest.json              of each file where it came from, whether that failed, how long it took,',
    '                             its size and its SHA-256; and what was left out, and why',
    '',
    'What is not in it',
    '-----------------',
    '',
    'Secrets were taken out before anything was written, and REDACTED stands in their place: private keys,',
    'passwords, tokens, cookies, authorization, credentials and queries in URLs; of access logs everything',
    'but client, time, method and status. Files with keys and passwords were not read, only their names are',
    'here. Packets have their headers, and of what they carried only this is as it was: of a DNS message its',
    'header and its question, of HTTP the method, the version and the status. Nothing changed its length;',
    'what was alike is still alike, and checksums do not fit any more.',
    'What does not look like a secret cannot be told from what is none: look through it before you pass it on.',
    'Addresses, names of hosts and the configuration of nginx and of the firewall are here as they are.',
    '',
    `Everything lies below ${bundleDirectory}/. Nothing in it is ever run.`,
  ].join('\n')}\n`;
}
