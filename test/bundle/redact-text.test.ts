import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactLog } from '../../src/bundle/redact/logs.js';
import { redactText } from '../../src/bundle/redact/text.js';
import { config } from '../kit/article.js';

const secret = 'Zq7/hunter2+XyPl0=';
const bare = 'Zq7hunter2XyPl0';

/** In how many parts of six letters a secret is still there. */
function remains(text: string, of: string): string[] {
  return Array.from({ length: of.length - 5 }, (_, from) => of.slice(from, from + 6)).filter((part) => text.includes(part));
}

const pem = (kind: string) =>
  [`-----BEGIN ${kind}-----`, `MIIEvQ${bare}${'A'.repeat(40)}`, `${bare}QhX==`, `-----END ${kind}-----`].join('\n');

describe('a secret is taken out of', () => {
  it.each([
    ['a header that nginx sets', `proxy_set_header Authorization "Basic ${secret}";`],
    ['a header with a name of its own', `proxy_set_header X-Whatever ${bare};`],
    ['a header of gRPC', `grpc_set_header x-token '${bare}';`],
    ['a header that is added', `add_header Set-Cookie "sid=${bare}; Path=/" always;`],
    ['a parameter of FastCGI', `fastcgi_param DB_PASSWORD "${secret}";`],
    ['a parameter over several lines', `proxy_set_header Authorization "Bearer\n${bare}\nx";`],
    ['a variable', `set $api_token "${secret}";`],
    ['a directive', `secure_link_secret ${bare};`],
    ['a signed link', `secure_link_md5 "$secure_link_expires$uri ${bare}";`],
    ['a body', `proxy_set_body "user=a&x=${bare}";`],
    ['a condition', `if ($http_authorization = "Basic ${secret}") { return 403; }`],
    ['a condition on a cookie', `if ($cookie_admin != ${bare}) { return 403; }`],
    ['a condition on an argument', `if ($arg_t ~* ^${bare}$) { set $x 1; }`],
    [
      'a map of keys',
      `map $http_x_api_key $client {\n  default "";\n  # don't\n  "${secret}" one; ${bare} two;\n "~^{2}${bare}" three;\n}`,
    ],
    ['a map to tokens', `map $host $backend_token { default "${secret}"; a.example '${bare}'; }`],
    ['the environment', `env SERVICE_PASSWORD=${bare};`],
    ['credentials in a URL', `proxy_pass http://user:${bare}@172.16.0.11:80/;`],
    ['a name in a URL', `proxy_pass https://${bare}@172.16.0.11:80/;`],
    ['a query in a URL', `proxy_pass http://backend/?key=${bare}&x=${bare};`],
    ['a query without names', `return 301 https://a.example/?${bare};`],
    ['a private key', pem('PRIVATE KEY')],
    ['an encrypted private key', pem('ENCRYPTED PRIVATE KEY')],
    ['a private key in one line', `{"key": "${pem('RSA PRIVATE KEY').replaceAll('\n', '\\n')}"}`],
    ['the end of a private key', `${bare}${'B'.repeat(60)}\n-----END PRIVATE KEY-----`],
    ['a setting', `wireguard_psk = ${secret}`],
    ['a setting with spaces', 'password: correct Zq7hunter2XyPl0 staple'],
    ['a setting with other signs', 'password=p;Zq7hunter2XyPl0,&)x'],
    ['a setting that grep found', '/etc/NetworkManager/x:psk=correct Zq7hunter2XyPl0 staple'],
    ['a quoted setting', `  password: "${secret}"`],
    ['a setting of systemd', `PrivateKey=${secret}`],
    ['a sysctl', `net.ipv6.conf.eth0.stable_secret = 2001:db8:${bare}`],
    ['another sysctl', `net.ipv4.tcp_fastopen_key=${bare}`],
    ['JSON', `{"a":1,"client_secret":"${secret}","b":[{"token": ${bare}}]}`],
    ['a shell', `export API_TOKEN='${secret}'; run`],
    ['Lua', `local db_password = "${secret}"`],
    ['an option', `nginx -g "env API_TOKEN=${bare};"`],
    ['an option behind another', `run -v --token ${bare} --port 80`],
    ['an option in a NUL-separated line', `run\0--password\0${bare}\0-x`],
    ['an option with =', `wget --http-password=${bare} http://a`],
    ['a login', `curl -u admin:${bare} http://a`],
    ['sshpass', `sshpass -p ${bare} ssh a`],
    ['a comment of a rule', `-A INPUT -m comment --comment "token=${bare}" -j ACCEPT`],
    ['a request in a log', `2026/11/23 10:00:00 [error] 7#7: *1 upstream timed out, request: "GET /a?t=${bare}&u=1 HTTP/1.1", host: "a"`],
    ['a referrer in a log', `referrer: "https://a.example/x?s=${bare}"`],
    ['a header in a log', `http header: "Cookie: sid=${bare}; a=${bare}"`],
    ['a bearer anywhere', `it said Bearer ${bare}.x`],
    ['a web token anywhere', `x eyJhbGciOiJIUzI1NiJ9.eyJ${bare}.${bare} y`],
    ['a quoted value of another name', `Environment="A=b" ExecStart="/bin/run --secret=${bare}"`],
  ])('%s', (_, text) => {
    const clean = redactText(text);
    expect([...remains(clean, secret), ...remains(clean, bare)]).toEqual([]);
    expect(clean.split('\n').length).toBe(text.split('\n').length);
    expect(redactText(clean)).toBe(clean);
  });

  it.each([
    [
      'the combined form',
      `192.0.2.7 - ${bare} [23/Nov/2026:10:00:00 +0100] "GET /${bare}?x=${bare} HTTP/1.1" 200 5 "http://a/${bare}" "${bare}"`,
    ],
    ['a form with cookies', `192.0.2.7 ${bare} "sid=${bare}"`],
    ['a form that does not begin with the client', `${bare} 192.0.2.7 "a=${bare}"`],
    ['a form of the owner', `{"client":"192.0.2.7","cookie":"${bare}"}`],
    ['the audit log, of a command', `type=EXECVE msg=audit(1795392979.123:77): argc=3 a0="curl" a1="-u" a2="${bare}"`],
    ['the audit log, in hexadecimal', `type=PROCTITLE msg=audit(1795392979.123:77): proctitle=${bare}`],
  ])('a log in %s', (_, line) => {
    expect(remains(redactLog(`${line}\n${line}\n`), bare)).toEqual([]);
    expect(redactLog(`${line}\n${line}\n`).split('\n').length).toBe(3);
  });
});

describe('what is no secret stays', () => {
  it.each([
    config,
    'proxy_set_header Connection "";\nproxy_set_header Host $host;\nproxy_set_header X-Real-IP $remote_addr;',
    'proxy_set_header Authorization $http_authorization;\nproxy_set_header X-Token "$a${b}";',
    'ssl_certificate_key /etc/ssl/private/a.key;\nssl_password_file /etc/keys/passwords;\nauth_basic_user_file /etc/nginx/htpasswd;',
    'server_tokens off;\nssl_session_tickets off;\nproxy_cookie_path / /a;\nproxy_hide_header Set-Cookie;',
    'map $remote_addr $bind { default $remote_addr; 10.0.0.0/8 off; }',
    'map $http_upgrade $connection_upgrade { default upgrade; "" close; }',
    'if ($request_method = POST) { return 405; }',
    'location ~ ^/a(?:b|c)?$ { proxy_pass http://web; }',
    'hash $cookie_a$arg_b consistent;\nsticky learn create=$upstream_cookie_a lookup=$cookie_a zone=sessions:1m;',
    '-A PREROUTING -s 172.16.0.0/28 -p tcp -m tcp --sport 80 -j MARK --set-xmark 0x1/0xffffffff',
    'net.ipv4.tcp_syncookies = 1\nnet.ipv4.conf.all.rp_filter = 2',
    '{"nftables": [{"map": {"key": {"meta": {"key": "mark"}}, "data": 1}}]}',
    '2026/11/23 10:00:00 [crit] 7#7: *1 setsockopt(IP_TRANSPARENT) failed (1: Operation not permitted), upstream: "http://172.16.0.11:80/"',
    'configure arguments: --with-http_auth_request_module --with-cc-opt=-O2 --http-log-path=/var/log/nginx/access.log',
    'local 0.0.0.0/0 dev lo table 100\nip rule add fwmark 1 lookup 100',
    '{"ifname":"eth0","addr_info":[{"local":"fe80::1","temporary":true}]}',
  ])('%s', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it('in the combined form of an access log: client, time, method and status', () => {
    const line = '192.0.2.7 - - [23/Nov/2026:10:00:00 +0100] "GET /x HTTP/1.1" 504 160 "-" "curl"';
    expect(redactLog(line)).toMatch(/^192\.0\.2\.7 - - \[23\/Nov\/2026:10:00:00 \+0100\] "GET .*" 504 /);
    expect(redactLog('::1 more')).toMatch(/^::1 /);
  });

  it('in the audit log: what was denied', () => {
    const line =
      'type=AVC msg=audit(1795392979.123:77): avc:  denied  { name_connect } for  pid=7 comm="nginx" dest=8080 scontext=a tcontext=b';
    expect(redactLog(line)).toBe(line);
  });
});

describe('any text', () => {
  const pieces = [
    'token',
    'secret',
    '=',
    ' ',
    '"',
    "'",
    '\\',
    '\n',
    ';',
    '{',
    '}',
    ':',
    '://',
    '?',
    '&',
    '@',
    '-',
    '--',
    'a',
    '$x',
    'Cookie: ',
    '-----BEGIN PRIVATE KEY-----',
    'map $http_x_key $y {',
    'set ',
  ];
  const anyText = fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 5 })), { maxLength: 60 })
    .map((parts) => parts.join(''));

  it('keeps its lines', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(redactText(text).split('\n').length).toBe(text.split('\n').length);
        expect(redactLog(text).split('\n').length).toBe(text.split('\n').length);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ...pieces,
    'a.',
    'a-',
    'eyJ-',
    'xoxb-',
    'a://',
    'token=',
    'token="',
    'token ',
    '-token ',
    'set $token ',
    'secret "',
    'map $a $b {"',
    'GET /',
    'GET /? ',
    'Basic ',
    'a=\\',
    ' \t',
    'A',
  ])('of nothing but %j costs time in proportion', (piece) => {
    const text = piece.repeat(Math.ceil(400_000 / piece.length));
    for (const pass of [redactText, redactLog]) {
      const started = performance.now();
      pass(text);
      expect(performance.now() - started).toBeLessThan(2000);
    }
  });
});
