import { setTimeout } from 'node:timers/promises';
import { explainFailure, type LiveTarget } from '../host/target.js';
import { type Drops, Tally } from './drops/tally.js';
import { parseReasons, protocols } from './drops/text.js';
import type { DropWatch } from './drops.js';
import { type Kept, startKept } from './kept.js';
import { lines } from './lines.js';

/** Milliseconds until the other kernel must have begun to tell. */
const startMs = 10_000;
const stopMs = 5000;
/** Bytes of what the kernel says of the event. */
const longestFormat = 262_144;

const begun = 'tpdoctor: the events follow';
const filter = [...protocols.keys()].map((type) => `protocol == ${type}`).join(' || ');

/**
 * What drops/instance does here, on another machine: a trace instance of its own, which goes when this program is told to end. Those of others that
 * were killed go first, by the same form of their names. Prints what the kernel says of the event, a line that
 * ends it, and the events. At its end it says nothing more: where the connection is lost, that would kill it.
 */
const program = `
fail() {
  printf '%s\\n' "$1" >&2
  exit 1
}
tracefs=
while read -r _ place type _; do
  [ "$type" != tracefs ] || tracefs=$place
done </proc/self/mounts
[ -n "$tracefs" ] || fail 'tracefs is not mounted there, and tpdoctor mounts nothing (mount -t tracefs nodev /sys/kernel/tracing)'
cat "$tracefs/events/skb/kfree_skb/format" 2>/dev/null || fail 'this kernel has no event skb:kfree_skb'
for old in "$tracefs"/instances/tpdoctor-*-??????; do
  pid=\${old##*/tpdoctor-}
  [ -d "/proc/\${pid%-*}" ] || rmdir "$old" 2>/dev/null
done
instance=$tracefs/instances/tpdoctor-$$-000000
mkdir "$instance" || exit 1
events=
finish() {
  trap '' TERM
  exec >/dev/null 2>&1
  echo 0 >"$instance/events/skb/kfree_skb/enable"
  sleep 0.2 || sleep 1
  [ -z "$events" ] || kill "$events"
  wait
  rmdir "$instance"
  exit
}
trap finish TERM
{
  echo 256 >"$instance/buffer_size_kb" &&
  echo '${filter}' >"$instance/events/skb/kfree_skb/filter" &&
  echo 1 >"$instance/events/skb/kfree_skb/enable"
} || finish
echo 0 2>/dev/null >"$instance/options/hash-ptr"
printf '%s\\n' '${begun}'
cat "$instance/trace_pipe" &
events=$!
wait
finish
`;

/** Watches which packets the kernel of another machine throws away, in all its network namespaces. */
export async function watchFarDrops(target: LiveTarget): Promise<DropWatch | { ok: false; why: string }> {
  const told = new Telling();
  const kept = startKept(
    target,
    ['sh', '-c', program],
    { bytes: lines((line) => told.hear(line)), line: (text) => told.complain(text) },
    stopMs,
  );
  const late = setTimeout(startMs, 'did not begin in time', { ref: false });
  const how = await Promise.race([told.begun, kept.ended, late]);
  if (how === undefined && told.tally) return { ok: true, stop: () => stopped(kept, told) };
  kept.finish();
  const why = told.complaint ?? (how === undefined ? 'this kernel tells none, Linux 5.17 and later do' : how);
  return { ok: false, why: `drop reasons: ${explainFailure(target, why)}` };
}

async function stopped(kept: Kept, { tally }: Telling): Promise<Drops> {
  kept.finish();
  await kept.ended;
  return (await tally?.told()) ?? { counts: [], lost: 0 };
}

/** What the program has told until now. */
class Telling {
  /** Once the events come, of a kernel that gives reasons. */
  tally: Tally | undefined;
  complaint: string | undefined;
  readonly begun: Promise<undefined>;
  private begin = (): void => undefined;
  private format = '';

  constructor() {
    this.begun = new Promise((resolve) => {
      this.begin = () => resolve(undefined);
    });
  }

  hear(line: string): void {
    if (this.tally) this.tally.add(`${line}\n`);
    else if (line !== begun) this.format = `${this.format}${line}\n`.slice(0, longestFormat);
    else {
      const reasons = parseReasons(this.format);
      this.tally = reasons && new Tally(reasons);
      this.begin();
    }
  }

  /** The first one is the reason. */
  complain(text: string): void {
    this.complaint ??= text;
  }
}
