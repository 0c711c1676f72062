import { ownMounts, startFirewalld } from '../firewall-managers.js';
import type { Change } from '../lab.js';
import { type Fault, fault } from './scenario.js';

/* Hosts whose firewall is run by firewalld or ufw. */

const withFirewalld = (host: string, ...zones: readonly string[]): Change[] => [
  { host, run: ownMounts },
  { host, run: startFirewalld(...zones) },
];

const ports = (...all: readonly string[]): string[] => all.map((port) => `--add-port=${port}`);

export const frontEndFaults: readonly Fault[] = [
  fault(
    'upstream/firewall-drops-request',
    'dev1',
    ['http', 'http6'],
    withFirewalld('dev1', ...ports('9000/tcp', '53/udp', '5300/udp')),
    'firewalld rejects it',
  ),
];
