import { isAddress } from '../net/address.js';
import type { ErrorKind, ErrorLogLine } from '../types.js';

/** How messages about upstreams and privileges begin. Further on, a message may quote what a client sent. */
const kinds: readonly (readonly [RegExp, ErrorKind])[] = [
  [/^setsockopt\(IP(?:V6)?_TRANSPARENT\) failed|^could not enable transparent proxying/, 'setsockopt-transparent'],
  // `bind() to A:P failed` is a listener at start; the address inside the parentheses is an upstream connection's.
  [/^bind\([^)]+\) failed/, 'bind'],
  [/^capset\(\) failed/, 'capset'],
  [/^worker process \d+ exited with fatal code \d+ and cannot be respawned/, 'worker-died'],
  [/^(?:setgid|setuid|initgroups)\([^)]*\) failed/, 'worker-user'],
  // An ICMP error for a datagram comes with the next call on the socket.
  [/^(?:connect|recv|send|sendmsg)\(\)(?: to \S+)? failed \(111: /, 'connect-refused'],
  [/^(?:connect|recv|send|sendmsg)\(\)(?: to \S+)? failed \((?:101|113): /, 'connect-unreachable'],
  [/^connect\(\)(?: to \S+)? failed \(99: /, 'connect-cannot-assign'],
  [/^upstream timed out \(110: /, 'upstream-timeout'],
  [/^no live upstreams\b/, 'no-live-upstreams'],
  [/^\d+ worker_connections are not enough\b/, 'worker-connections'],
  // Before 1.11.0 the parameter is one too many; a build for another system warns and goes on without it.
  [
    /^invalid number of arguments in "proxy_bind" directive|^transparent proxying is not supported on this platform/,
    'transparent-unsupported',
  ],
  [/^unknown directive "stream"/, 'stream-unknown'],
];

const longestText = 400;

/** One line of an error log as nginx writes it: local time, then message, then the connection's context. */
export interface LoggedError {
  /** Seconds since the epoch. */
  at: number;
  message: string;
  client?: string;
  /** Only the word before the client tells that a stream session is UDP: its upstream is printed as for TCP. */
  isUdp: boolean;
}

/** Splits a line into its parts; undefined when it does not begin as nginx's lines do. */
export function splitErrorLine(line: string, utcOffsetSeconds: number): LoggedError | undefined {
  const stamp = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d) \[\w+\] \d+#\d+: (?:\*\d+ )?/.exec(line);
  if (!stamp) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = stamp.slice(1).map(Number);
  const at = Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - utcOffsetSeconds;
  const rest = line.slice(stamp[0].length);
  const context = /, (udp )?client: ([^,\s]+)/.exec(rest);
  // What a client sent comes only after `client:`; the message before it is nginx's own.
  const message = context ? rest.slice(0, context.index) : rest;
  const client = context?.[2];
  const logged = { at, message, isUdp: context?.[1] !== undefined };
  return client !== undefined && isAddress(client) ? { ...logged, client } : logged;
}

/** Reads one line; undefined when it is none that matters. */
export function parseErrorLine(line: string, utcOffsetSeconds: number): Omit<ErrorLogLine, 'master' | 'source'> | undefined {
  const logged = splitErrorLine(line, utcOffsetSeconds);
  const kind = logged && kinds.find(([pattern]) => pattern.test(logged.message))?.[1];
  if (!kind) return undefined;
  const errno = /failed \((\d{1,3}): |timed out \((\d{1,3}): /.exec(logged.message);
  const server = /, server: ([^,\s]+)/.exec(line)?.[1];
  const upstream = /, upstream: "([^"]*)"/.exec(line)?.[1];
  const scheme = logged.isUdp ? 'udp://' : '';
  return {
    at: logged.at,
    kind,
    ...(errno ? { errno: Number(errno[1] ?? errno[2]) } : {}),
    ...(logged.client === undefined ? {} : { client: logged.client }),
    ...(upstream ? { upstream: (scheme + upstream).slice(0, longestText) } : {}),
    ...(server ? { server: server.slice(0, longestText) } : {}),
    text: line.slice(0, longestText),
  };
}
