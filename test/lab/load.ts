import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { client, proxy, upstreams } from './article.js';
import type { Lab } from './lab.js';
import { stopDnsmasq } from './services.js';

/*
 * More DNS than nginx and a name server could take: it goes from the client to an upstream and back by way of nginx's host, where rules of the kernel do
 * what nginx does. What is captured looks the same.
 */

const [upstream] = upstreams;

/** Turns each request into an answer, some milliseconds' worth of them at a time (64: MSG_DONTWAIT, 33: SO_RCVBUFFORCE). */
const answering = `
use IO::Socket::INET;
use Time::HiRes qw(sleep);
my $socket = IO::Socket::INET->new(Proto => "udp", LocalAddr => "${upstream?.address}:53", ReuseAddr => 1) or die $!;
setsockopt($socket, SOL_SOCKET, 33, 64 << 20);
while (1) {
  my $from = recv($socket, my $message, 512, 64);
  unless (defined $from) { sleep 0.002; next }
  vec($message, 2, 8) |= 0x80;
  send($socket, $message, 0, $from);
}`;

/** So many questions a second for so many seconds, each for a name of its own; tells how many there were. */
const asking = `
use IO::Socket::INET;
use Time::HiRes qw(time sleep);
my ($rate, $seconds) = @ARGV;
my ($sent, $began, @sockets) = (0, time);
while ((my $now = time - $began) < $seconds) {
  for (my $due = int($now * $rate); $sent < $due; $sent++) {
    unshift @sockets, IO::Socket::INET->new(Proto => "udp", PeerAddr => "${proxy.outer}:53") || die $! if $sent % 65536 == 0;
    defined send($sockets[0], pack("n6C", $sent % 65536, 0x0100, 1, 0, 0, 0, 8) . sprintf("%08x", $sent) . "\\x07example\\x03com\\0\\0\\1\\0\\1", 0) or redo;
  }
  sleep 0.001;
}
sleep 1;
print $sent;`;

/** Lets the kernel of nginx's host do nginx's work, for one upstream that answers everything; returns what ends that. */
export async function forwardInKernel(lab: Lab): Promise<() => void> {
  const rule = `ip daddr ${proxy.outer} udp dport 53 ip daddr set ${upstream?.address}`;
  await lab.must(proxy.name, `nft 'table ip load { chain in { type filter hook prerouting priority raw; ${rule}; }; }'`);
  await lab.must(upstream?.name ?? '', stopDnsmasq(53));
  const answerer = inside(lab, upstream?.name ?? '', ['perl', '-e', answering]);
  return () => answerer.kill('SIGKILL');
}

/** Asks from the client's host, and tells how often. */
export async function ask(lab: Lab, { requestsPerSecond, seconds }: { requestsPerSecond: number; seconds: number }): Promise<number> {
  return Number(await outputOf(inside(lab, client.name, ['perl', '-e', asking, String(requestsPerSecond), String(seconds)])));
}

function inside(lab: Lab, host: string, command: readonly string[]): ChildProcess {
  return spawn('nsenter', [`--net=/run/netns/${lab.namespaceOf(host)}`, ...command], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** All of it, when the child has ended. */
export async function outputOf(child: ChildProcess, stream: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
  let text = '';
  child[stream]?.on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  return text;
}
