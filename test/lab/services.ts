/**
 * Shell fragments and configuration for the programs of a lab host. All of them run in the host's own directory, and every program daemonizes
 * after it has bound its sockets, so that whoever started it may send traffic at once.
 */

/** Ends the script with a complaint when `condition`, a command, has not become true within five seconds. `what` is plain words. */
const waitUntil = (what: string, condition: string): string =>
  `tries=0; until ${condition}; do tries=$((tries+1)); [ $tries -lt 250 ] || { echo "not in time: ${what}" >&2; exit 1; }; sleep 0.02; done`;

/** `-e`: without it nginx would open the log in /var/log that it was compiled with. */
const nginxCommand = 'nginx -p "$PWD" -c "$PWD/nginx.conf" -e "$PWD/error.log"';

/** Started, with or without living workers. `wrapper` is a program that runs nginx, such as setpriv with its options. */
export const launchNginx = (wrapper = ''): string =>
  `${wrapper} ${nginxCommand}\n${waitUntil('nginx has its pid file', '[ -s nginx.pid ]')}`;

/** A worker takes its title after it has dropped its privileges and opened its sockets (ngx_worker_process_cycle). */
const workerIsUp =
  'grep -qs "worker process" $(sed "s,[0-9][0-9]*,/proc/&/cmdline,g" "/proc/$(cat nginx.pid)/task/$(cat nginx.pid)/children") /dev/null';

/** On the first processor, where a name server of `answersAtOnce` interrupts it. */
export const nginxOnFirstProcessor =
  'for worker in $(cat "/proc/$(cat nginx.pid)/task/$(cat nginx.pid)/children"); do taskset -p -c 0 "$worker" >/dev/null; done';

export const startNginx = (wrapper = ''): string => `${launchNginx(wrapper)}\n${waitUntil('nginx has a worker', workerIsUp)}`;

/** The master removes its pid file last, when all workers are gone. */
export const stopNginx = `kill "$(cat nginx.pid)"\n${waitUntil('nginx is gone', '[ ! -e nginx.pid ]')}`;

export const restartNginx = (wrapper = ''): string => `${stopNginx}\n${startNginx(wrapper)}`;

/** Lines that every nginx.conf of the lab begins with. Relative paths start from the prefix, the host's directory. */
export const nginxPreamble = `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user www-data;
worker_processes 1;
pid nginx.pid;
error_log error.log warn;
events {
    worker_connections 512;
}
`;

export const httpPreamble = `    access_log access.log;
    default_type text/plain;
    client_body_temp_path tmp-body;
    proxy_temp_path tmp-proxy;
    fastcgi_temp_path tmp-fastcgi;
    uwsgi_temp_path tmp-uwsgi;
    scgi_temp_path tmp-scgi;
`;

/** A name server that knows www.example.com as `answer` and nothing else; its log and pid file carry the port. */
export const startDnsmasq = (address: string, port: number, answer: string): string =>
  [
    'dnsmasq --conf-file=/dev/null --no-resolv --no-hosts --user=root --bind-interfaces',
    `--listen-address=${address} --port=${port} --address=/www.example.com/${answer}`,
    `--pid-file="$PWD/dnsmasq-${port}.pid" --log-queries --log-facility="$PWD/dnsmasq-${port}.log"`,
  ].join(' ');

/** It runs as soon as a request has come, before whoever sent it on this processor does anything else, such as closing a socket. */
export const answersAtOnce = (port: number): string =>
  `taskset -p -c 0 "$(cat dnsmasq-${port}.pid)" >/dev/null\nchrt -f -p 1 "$(cat dnsmasq-${port}.pid)"`;

/** A text record of large.example.com of which the answer is two fragments on Ethernet. */
export const largeRecord = ` --edns-packet-max=4096 --txt-record=large.example.com,${Array.from({ length: 10 }, () => 'x'.repeat(200)).join(',')}`;

export const stopDnsmasq = (port: number): string =>
  `kill "$(cat dnsmasq-${port}.pid)"\n${waitUntil('dnsmasq is gone', `! kill -0 "$(cat dnsmasq-${port}.pid)" 2>/dev/null`)}`;

/** Answers every question for an address with `answer`, from whatever address the kernel prefers: it does not note which one was asked. */
export const startForgetfulServer = (port: number, answer: string): string => `cat > forgetful.mjs <<'END'
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
const socket = createSocket('udp4');
socket.on('message', (query, { address, port }) => {
  const question = query.subarray(12, query.indexOf(0, 12) + 5);
  const header = Buffer.concat([query.subarray(0, 2), Buffer.from([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0])]);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ${answer.replaceAll('.', ', ')}]);
  socket.send(Buffer.concat([header, question, record]), port, address);
});
socket.bind(${port}, '0.0.0.0', () => writeFileSync('forgetful.ready', ''));
END
node forgetful.mjs >/dev/null 2>&1 </dev/null &
${waitUntil('the server listens', '[ -e forgetful.ready ]')}`;
