import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { Socket } from 'node:net';

/**
 * Runs ssh with the arguments behind the first for as long as its own standard input stays open, and then removes the directory that is the first: also
 * when tpdoctor is killed. A background command of sh ignores SIGINT, hence SIGTERM, on which ssh ends its connection just as well.
 */
const keeper = `
directory=$1
shift
exec 3<&0
if command -v ssh >/dev/null 2>&1; then
  ssh "$@" </dev/null 3<&- &
  connection=$!
  {
    while read -r _; do :; done
    kill -TERM "$connection"
  } <&3 3<&- >/dev/null 2>&1 &
  watch=$!
  exec 3<&-
  wait "$connection"
  status=$?
  kill "$watch" 2>/dev/null
else
  printf 'ssh: not found\\n' >&2
  status=127
fi
rm -rf -- "$directory"
exit "$status"
`;

/** A connection that is held. */
export interface Kept {
  /** What ssh said, once it has ended. */
  readonly end: string | undefined;
  readonly ended: Promise<string>;
  /** Ends it at once, for a reason that counts where ssh said nothing. */
  giveUp(why: string): string;
}

/** Characters of what ssh says that are kept. */
const mostSaid = 4000;

/** What ssh said last may come behind its end, milliseconds. */
const lastWordsMs = 100;

/** Holds a connection that ends with this process, at the latest. It does not keep this process alive. */
export function keep(directory: string, words: readonly string[]): Kept {
  const child = spawn('sh', ['-c', keeper, 'sh', directory, ...words], {
    // In a session of its own there is no terminal to ask on, also for the ssh of a jump host, and Ctrl-C does not end it before its time.
    detached: true,
    env: { ...process.env, LC_ALL: 'C', SSH_ASKPASS_REQUIRE: 'never' },
  });
  for (const stream of [child.stdin, child.stdout, child.stderr]) if (stream instanceof Socket) stream.unref();
  child.unref();
  let said = '';
  let end: string | undefined;
  child.stdin.on('error', () => undefined);
  child.stdout.resume();
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(0, mostSaid);
  });
  const ended = new Promise<string>((resolve) => {
    const tell = (why: string): void => {
      end ??= said.trim() || why;
      resolve(end);
    };
    child.on('error', ({ message }) => tell(message));
    const tellEnd = (code: number | null): void => tell(`ssh ended with exit code ${code}`);
    child.on('close', tellEnd);
    // A proxy command that hangs holds the streams open.
    child.on('exit', (code) => setTimeout(tellEnd, lastWordsMs, code).unref());
  });
  return {
    get end() {
      return end;
    },
    ended,
    giveUp: (why) => {
      end ??= said.trim() || why;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended already.
      }
      rmSync(directory, { recursive: true, force: true });
      return end;
    },
  };
}
