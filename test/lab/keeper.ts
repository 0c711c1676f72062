import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A script rather than a handler of ours: it must outlive SIGKILL, which closes its standard input like any other end. */
const script = `
namespaces= directories=
while read -r kind name; do
  case $kind in
    netns) namespaces="$namespaces $name" ;;
    directory) directories="$directories $name" ;;
  esac
done
for namespace in $namespaces; do
  [ -e "/run/netns/$namespace" ] || continue
  # A process may fork while it is being killed, so ask again until the namespace is empty.
  tries=0
  while pids=$(ip netns pids "$namespace") && [ -n "$pids" ] && [ $tries -lt 100 ]; do
    kill -KILL $pids 2>/dev/null
    tries=$((tries + 1))
    [ $tries -lt 3 ] || sleep 0.02
  done
  ip netns delete "$namespace"
done
for directory in $directories; do rm -rf -- "$directory"; done
`;

/**
 * A process of its own that knows what a lab consists of, and removes it when told to or when the process that raised the lab is gone.
 * It leads its own session, so Ctrl-C does not reach it before its work is done.
 */
export class Keeper {
  private readonly child: ChildProcess = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
  private readonly ended = once(this.child, 'exit');

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Call before making it: what is half made must go too. */
  record(kind: 'netns' | 'directory', name: string): void {
    this.child.stdin?.write(`${kind} ${name}\n`);
  }

  /** Resolves when nothing is left. May be called again. */
  async removeAll(): Promise<void> {
    this.child.stdin?.end();
    await this.ended;
  }
}
