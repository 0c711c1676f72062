import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { configuration, whyRefused } from './configuration.js';
import { destinationWords, type SshTarget, textOf } from './destination.js';
import { type Kept, keep } from './keeper.js';
import { remoteCommand } from './remote-command.js';
import { turns } from './turns.js';

const connections = new Map<string, Connection>();

/** The connection to a host: the same one each time. */
export function connectionTo(target: SshTarget): Connection {
  const key = JSON.stringify([textOf(target), target.config, target.identityFile, target.jump]);
  const connection = connections.get(key) ?? new Connection(target);
  connections.set(key, connection);
  return connection;
}

/** While ten have not logged in yet, sshd turns others away at random (MaxStartups); a jump host meets those to all hosts behind it. */
const loggingIn = turns(8);
const lookEveryMs = 20;
/** What runs through a connection hears of its end a moment earlier, milliseconds. */
const momentMs = 300;

/**
 * One authenticated connection to a host, which all that is run there goes through. It is tried once: a host that was not reached, or was lost, stays
 * so. It does not keep this process alive, and ends with it.
 */
export class Connection {
  /** Made when it connects, for us alone. */
  private directory = '/nonexistent';
  private opened: Promise<string | undefined> | undefined;
  private kept: Kept | undefined;

  constructor(private readonly target: SshTarget) {}

  /** Resolves when there is a connection, or to why there is none, in ssh's own words. The first call has at most `limitMs` milliseconds for it, once its turn has come. */
  async open(limitMs: number): Promise<string | undefined> {
    this.opened ??= loggingIn(() => this.connect(limitMs));
    return (await this.opened) ?? this.kept?.end;
  }

  /** Why the connection broke, if it just did. */
  async loss(): Promise<string | undefined> {
    return await Promise.race([this.kept?.ended, setTimeout(momentMs, undefined)]);
  }

  /** What runs a command there as root, in an open connection. Where the host takes no more of them in one, ssh makes another for this one alone. */
  command(words: readonly [string, ...string[]]): readonly [string, ...string[]] {
    const own = ['-T', '-o', 'ControlMaster=no', '-o', 'LogLevel=FATAL'];
    return ['ssh', ...this.places(), ...own, ...destinationWords(this.target), remoteCommand(words)];
  }

  private places(): string[] {
    return ['-F', join(this.directory, 'config'), '-S', join(this.directory, 'socket')];
  }

  private async connect(limitMs: number): Promise<string | undefined> {
    const refused = whyRefused(this.target);
    if (refused !== undefined) return refused;
    const until = Date.now() + limitMs;
    this.directory = mkdtempSync(join(shortPlace(), `tpdoctor-ssh-${process.pid}-`));
    writeFileSync(join(this.directory, 'config'), configuration({ ...this.target, connectSeconds: Math.ceil(limitMs / 1000) }));
    const kept = keep(this.directory, [...this.places(), '-N', '-T', '-o', 'ControlMaster=yes', ...destinationWords(this.target)]);
    this.kept = kept;
    while (kept.end === undefined && !existsSync(join(this.directory, 'socket'))) {
      if (Date.now() >= until) return kept.giveUp(`no answer within ${limitMs / 1000} s`);
      await setTimeout(lookEveryMs);
    }
    return kept.end;
  }
}

/** Where the path of a socket stays short: it has at most 107 characters, 17 of which ssh adds while it makes one; and `%` would mean something to it. */
function shortPlace(): string {
  return /^[A-Za-z0-9._/-]{1,50}$/.test(tmpdir()) ? tmpdir() : '/tmp';
}
