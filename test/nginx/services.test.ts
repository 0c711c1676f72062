import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/nginx/parse.js';
import { readServices } from '../../src/nginx/services.js';
import type { NginxMaster, Service } from '../../src/types.js';
import { filesOf } from './config-files.js';

const master: NginxMaster = {
  pid: 7,
  parent: 1,
  uid: 0,
  gid: 0,
  effectiveCapabilities: '1ffffffffff',
  permittedCapabilities: '1ffffffffff',
  boundingCapabilities: '1ffffffffff',
  noNewPrivileges: false,
  startedAt: 0,
  commandLine: 'nginx',
  executable: '/usr/sbin/nginx',
  workingDirectory: '/',
  prefix: '/usr/share/nginx',
  configFile: '/etc/nginx/nginx.conf',
  root: '',
  configureArguments: '',
  workers: [],
};
const hostNames = { 'app.example': ['10.0.0.9', '2001:db8::9'], localhost: ['127.0.0.1', '::1'] };

const services = (text: string, uid = 0): Service[] =>
  readServices(parseConfig(filesOf(text)), { host: 'p', master: { ...master, uid }, hostNames });
const http = (text: string): Service[] => services(`http { ${text} }`);
const stream = (text: string): Service[] => services(`stream { ${text} }`);
const ids = (found: readonly Service[]): string[] => found.map(({ id }) => id);
const listen = (lines: string): string[] =>
  (stream(`server { ${lines} proxy_pass 10.0.0.1:1; }`)[0]?.listeners ?? []).map(
    ({ address, port, protocol, family }) => `${protocol} ${family} ${address ?? '*'} ${port}`,
  );

describe('what is a service', () => {
  test('every proxy_pass, nested, in an if and in a limit_except', () => {
    const found = http(`server { listen 81;
      location / { proxy_pass http://10.0.0.1; location /in { proxy_pass http://10.0.0.2; } }
      location /if { if ($arg_x) { proxy_pass http://10.0.0.3; } proxy_pass http://10.0.0.4; }
      location /limit { limit_except GET { proxy_pass http://10.0.0.5; } } }`);
    expect(found.map(({ id, upstreams }) => [id, upstreams[0]?.address])).toEqual([
      ['http:81/', '10.0.0.1'],
      ['http:81/in', '10.0.0.2'],
      ['http:81/if#10.0.0.3', '10.0.0.3'],
      ['http:81/if#10.0.0.4', '10.0.0.4'],
      ['http:81/limit', '10.0.0.5'],
    ]);
  });

  test('not one that only a unix socket reaches', () => {
    expect(http('server { listen unix:/run/a; location / { proxy_pass http://10.0.0.1; } }')).toEqual([]);
  });

  test('both families of one server are one service', () => {
    expect(ids(http('server { listen 80; listen [::]:80; location / { proxy_pass http://10.0.0.1; } }'))).toEqual(['http:80/']);
  });

  test('ids are unique, and told apart by server name, upstream, then number', () => {
    const server = (name: string, to: string): string => `server { listen 80; ${name} location / { proxy_pass http://${to}; } }`;
    expect(ids(http(server('server_name a;', '10.0.0.1') + server('server_name b;', '10.0.0.1')))).toEqual(['http:80/#a', 'http:80/#b']);
    expect(ids(http(server('', '10.0.0.1') + server('', '10.0.0.2')))).toEqual(['http:80/#10.0.0.1', 'http:80/#10.0.0.2']);
    expect(ids(http(server('', '10.0.0.1').repeat(3)))).toEqual(['http:80/#10.0.0.1', 'http:80/#10.0.0.1#2', 'http:80/#10.0.0.1#3']);
  });

  test('stream services are named by protocol and port', () => {
    expect(ids(stream('server { listen 53 udp; proxy_pass 10.0.0.1:53; } server { listen 53; proxy_pass 10.0.0.1:53; }'))).toEqual([
      'udp:53',
      'tcp:53',
    ]);
  });
});

describe('listeners', () => {
  test.each([
    ['listen 80;', ['tcp 4 * 80']],
    ['listen *:80;', ['tcp 4 * 80']],
    ['listen 0.0.0.0:80;', ['tcp 4 * 80']],
    ['listen 10.1.1.1:80;', ['tcp 4 10.1.1.1 80']],
    ['listen [::]:80;', ['tcp 6 * 80']],
    ['listen [::]:80 ipv6only=on;', ['tcp 6 * 80']],
    ['listen [::]:80 ipv6only=off;', ['tcp 6 * 80', 'tcp 4 * 80']],
    ['listen [2001:db8::1]:80;', ['tcp 6 2001:db8::1 80']],
    ['listen localhost:80;', ['tcp 4 127.0.0.1 80', 'tcp 6 ::1 80']],
    ['listen 53 udp reuseport;', ['udp 4 * 53']],
    ['listen 8000-8002;', ['tcp 4 * 8000', 'tcp 4 * 8001', 'tcp 4 * 8002']],
    ['listen 10.1.1.1:8000-8001;', ['tcp 4 10.1.1.1 8000', 'tcp 4 10.1.1.1 8001']],
    ['listen unix:/run/x; listen 80;', ['tcp 4 * 80']],
    ['listen 0; listen 65536; listen 10-5; listen x; listen 80;', ['tcp 4 * 80']],
  ])('%s', (lines, expected) => expect(listen(lines)).toEqual(expected));

  test('http has default ports: 80, or 8000 for an nginx without root', () => {
    const without = 'http { server { location / { proxy_pass http://10.0.0.1; } } }';
    expect(ids(services(without))).toEqual(['http:80/']);
    expect(ids(services(without, 33))).toEqual(['http:8000/']);
    expect(http('server { listen 10.1.1.1; location / { proxy_pass http://10.0.0.1; } }')[0]?.listeners).toMatchObject([
      { address: '10.1.1.1', port: 80 },
    ]);
  });
});

describe('proxy_bind', () => {
  const bind = (levels: { http?: string; server?: string; location?: string; more?: string }): Service['bind'] =>
    http(
      `${levels.more ?? ''} ${levels.http ?? ''} server { ${levels.server ?? ''} location / { ${levels.location ?? ''} proxy_pass http://10.0.0.1; } }`,
    )[0]?.bind;

  test('is inherited from the nearest level, and `off` cancels', () => {
    expect(bind({ http: 'proxy_bind 10.1.1.1;' })).toMatchObject({ text: '10.1.1.1', at: { line: 1, column: 9 } });
    expect(bind({ http: 'proxy_bind 10.1.1.1;', server: 'proxy_bind 10.1.1.2;' })).toMatchObject({ fixedAddress: '10.1.1.2' });
    expect(bind({ server: 'proxy_bind 10.1.1.2;', location: 'proxy_bind $remote_addr transparent;' })).toMatchObject({
      address: 'client',
      transparent: true,
    });
    expect(bind({ http: 'proxy_bind 10.1.1.1;', location: 'proxy_bind off;' })).toBeUndefined();
  });

  test.each([
    ['$remote_addr', 'client', 'none'],
    ['${remote_addr}', 'client', 'none'],
    ['$realip_remote_addr', 'client', 'none'],
    ['$proxy_protocol_addr', 'client', 'none'],
    ['$remote_addr:$remote_port', 'client', 'client'],
    ['[$remote_addr]:$remote_port', 'client', 'client'],
    ['${remote_addr}:${remote_port}', 'client', 'client'],
    ['$remote_addr:53', 'client', 'fixed'],
    ['$binary_remote_addr', 'unknown', 'none'],
    ['$http_x_real_ip', 'unknown', 'none'],
    ['$remote_addr$remote_port', 'unknown', 'none'],
    ['10.1.1.1', 'fixed', 'none'],
    ['10.1.1.1:99', 'fixed', 'fixed'],
    ['2001:db8::1', 'fixed', 'none'],
    ['[2001:db8::1]:99', 'fixed', 'fixed'],
    ['$remote_addr:$server_port', 'client', 'unknown'],
  ])('%s', (text, address, port) => expect(bind({ location: `proxy_bind ${text} transparent;` })).toMatchObject({ address, port }));

  test('follows a map that always gives the same, and no other', () => {
    const through = (map: string): Service['bind'] =>
      bind({ more: `map $server_port $bind { ${map} }`, location: 'proxy_bind $bind transparent;' });
    expect(through('default $remote_addr;')).toMatchObject({ text: '$bind', address: 'client' });
    expect(through('hostnames; default $remote_addr; 80 $remote_addr;')).toMatchObject({ address: 'client' });
    expect(through('80 $remote_addr;')).toMatchObject({ address: 'unknown' });
    expect(through('default $remote_addr; 80 10.1.1.1;')).toMatchObject({ address: 'unknown' });
    expect(through('default "";')).toBeUndefined();
  });

  test('follows set, the innermost, unless an if decides', () => {
    expect(bind({ server: 'set $b 10.1.1.1;', location: 'set $b $remote_addr; proxy_bind $b;' })).toMatchObject({ address: 'client' });
    expect(bind({ server: 'set $b 10.1.1.1; if ($arg_x) { set $b 10.1.1.2; }', location: 'proxy_bind $b;' })).toMatchObject({
      address: 'unknown',
    });
  });

  test('variables that name each other end', () => {
    const doubling = Array.from({ length: 40 }, (_, i) => `map $uri $v${i} { default $v${i + 1}$v${i + 1}; }`).join(' ');
    expect(
      bind({ more: `${doubling} map $uri $a { default $b; } map $uri $b { default $a; }`, location: 'proxy_bind $a$v0;' }),
    ).toMatchObject({ address: 'unknown' });
  });
});

describe('upstreams', () => {
  const upstreams = (text: string, more = ''): unknown[] =>
    (http(`${more} server { location / { ${text} } }`)[0]?.upstreams ?? []).map(({ address, port }) => [address, port]);

  test.each([
    ['proxy_pass http://10.0.0.1;', [['10.0.0.1', 80]]],
    ['proxy_pass https://10.0.0.1;', [['10.0.0.1', 443]]],
    ['proxy_pass http://10.0.0.1:8080/uri;', [['10.0.0.1', 8080]]],
    ['proxy_pass http://10.0.0.1$request_uri;', [['10.0.0.1', 80]]],
    ['proxy_pass http://10.0.0.1$arg_x;', []],
    ['proxy_pass http://10.0.0.1/$uri;', [['10.0.0.1', 80]]],
    ['proxy_pass http://[2001:db8::1]:81/;', [['2001:db8::1', 81]]],
    [
      'proxy_pass http://app.example:81;',
      [
        ['10.0.0.9', 81],
        ['2001:db8::9', 81],
      ],
    ],
    ['proxy_pass http://else.example:81;', [[undefined, 81]]],
    ['proxy_pass http://__proto__:81;', [[undefined, 81]]],
    ['proxy_pass http://unix:/run/app.sock:/;', []],
    ['proxy_pass http://$host;', []],
    ['set $to 10.0.0.1:82; proxy_pass http://$to;', [['10.0.0.1', 82]]],
    ['set $to backend; proxy_pass $scheme://$to;', [['10.0.0.3', 80]]],
  ])('%s', (text, expected) => expect(upstreams(text, 'upstream backend { server 10.0.0.3; }')).toEqual(expected));

  test('a group gives its servers with their flags, whatever its parameters, and no unix sockets', () => {
    const [service] =
      http(`upstream Back { zone z 64k; server 10.0.0.1 weight=5 max_fails=0 fail_timeout=1s; server 10.0.0.2:81 down; server app.example:82 backup;
      server unix:/run/a; keepalive 16; } server { location / { proxy_pass http://back; } }`);
    expect(service?.upstreams).toMatchObject([
      { address: '10.0.0.1', port: 80, down: false, backup: false, family: 4 },
      { address: '10.0.0.2', port: 81, down: true, backup: false },
      { address: '10.0.0.9', port: 82, backup: true, name: 'app.example:82' },
      { address: '2001:db8::9', port: 82, backup: true, family: 6 },
    ]);
    expect(service?.upstreamGroup).toMatchObject({ name: 'Back', keepalive: { value: 16 } });
  });

  test('stream needs ports, and knows groups of its own only', () => {
    const found = services(`http { upstream a { server 10.0.0.1; } } stream { upstream a { server 10.0.0.2:53; server 10.0.0.3; }
      server { listen 53 udp; proxy_pass a; } server { listen 54; proxy_pass 10.0.0.4; } }`);
    expect(found.map(({ upstreams }) => upstreams.map(({ address }) => address))).toEqual([['10.0.0.2'], []]);
  });
});

describe('settings', () => {
  test('come from the nearest level, in milliseconds, and are absent where the configuration is silent', () => {
    const [set, unset] =
      services(`stream { proxy_timeout 1m30s; proxy_responses 1; server { listen 53 udp; proxy_responses 0; proxy_requests 1; proxy_pass 10.0.0.1:53; } }
      stream { server { listen 54; proxy_pass 10.0.0.1:54; } }`);
    expect(set).toMatchObject({ proxyResponses: { value: 0 }, proxyRequests: { value: 1 }, proxyTimeout: { value: 90_000 } });
    for (const name of ['proxyResponses', 'proxyRequests', 'proxyTimeout', 'bind', 'realip', 'healthCheck'])
      expect(unset).not.toHaveProperty(name);
  });

  test('the Connection header is inherited with all the others or not at all', () => {
    const header = (location: string): string | undefined =>
      http(`proxy_set_header Connection ""; server { location / { ${location} proxy_pass http://10.0.0.1; } }`)[0]?.connectionHeader?.value;
    expect(header('')).toBe('');
    expect(header('proxy_set_header connection upgrade;')).toBe('upgrade');
    expect(header('proxy_set_header Host $host;')).toBeUndefined();
  });

  test('realip needs a PROXY protocol listener where the address comes from there', () => {
    const line = (text: string): number | undefined =>
      http(`\n server { ${text} location / { proxy_bind $remote_addr; proxy_pass http://10.0.0.1; } }`)[0]?.realip?.line;
    expect(line('')).toBeUndefined();
    expect(line('\nset_real_ip_from 10.0.0.0/8;')).toBe(3);
    expect(line('set_real_ip_from 10.0.0.0/8; real_ip_header proxy_protocol;')).toBeUndefined();
    expect(line('listen 80 proxy_protocol; set_real_ip_from 10.0.0.0/8; real_ip_header proxy_protocol;')).toBe(2);
    expect(
      stream('server { listen 53; set_real_ip_from 10.0.0.0/8; proxy_bind $remote_addr; proxy_pass 10.0.0.1:53; }')[0]?.realip,
    ).toBeUndefined();
  });
});

describe('mode', () => {
  const udp = (port: number, lines: string): string | undefined =>
    stream(`server { listen ${port} udp; ${lines} proxy_pass 10.0.0.1:${port}; }`)[0]?.mode;

  test.each([
    [53, '', 'plain'],
    [53, 'proxy_bind 10.1.1.1; proxy_responses 0;', 'plain'],
    [53, 'proxy_bind $remote_addr transparent;', 'transparent'],
    [53, 'proxy_bind $remote_addr transparent; proxy_responses 1;', 'transparent'],
    [53, 'proxy_bind $remote_addr:$remote_port transparent;', 'transparent'],
    [53, 'proxy_bind $remote_addr:$remote_port transparent; proxy_responses 0;', 'dsr'],
    [53, 'proxy_bind $remote_addr:53 transparent; proxy_responses 0;', 'dsr'],
    [53, 'proxy_bind $remote_addr transparent; proxy_responses 0;', 'dsr'],
    [514, 'proxy_bind $remote_addr transparent; proxy_responses 0;', 'one-way'],
    [514, 'proxy_bind $remote_addr:$remote_port transparent; proxy_responses 0;', 'dsr'],
  ])('udp %i %s', (port, lines, mode) => expect(udp(port, lines)).toBe(mode));

  test('a client address without `transparent` still means it', () => {
    expect(stream('server { listen 53; proxy_bind $remote_addr; proxy_pass 10.0.0.1:53; }')[0]?.mode).toBe('transparent');
  });
});

describe('large and hostile configurations', () => {
  const within = (milliseconds: number, act: () => number): number => {
    const started = performance.now();
    const result = act();
    expect(performance.now() - started).toBeLessThan(milliseconds);
    return result;
  };

  test('ten thousand sites are read in seconds', () => {
    const sites = Array.from(
      { length: 10_000 },
      (_, i) => `upstream u${i} { server 10.0.0.1; } server { server_name s${i}; listen 80; location / { proxy_pass http://u${i}; } }`,
    );
    expect(within(15_000, () => http(sites.join('\n')).length)).toBe(10_000);
  });

  test('ten thousand locations of one server too', () => {
    const locations = Array.from({ length: 10_000 }, (_, i) => `location /${i} { proxy_pass http://10.0.0.1; }`);
    expect(within(15_000, () => http(`server { ${locations.join(' ')} }`).length)).toBe(10_000);
  });

  test('variables that multiply end soon', () => {
    const maps = Array.from({ length: 30 }, (_, i) => `map $uri $v${i} { default "${`$v${i + 1}`.repeat(200)}"; }`);
    expect(within(15_000, () => http(`${maps.join(' ')} server { location / { proxy_bind $v0; proxy_pass http://$v0; } }`).length)).toBe(1);
  });
});
