import { expect, test } from 'vitest';
import type { Snapshot } from '../../../src/types.js';
import { type Change, client, configFile, iptablesTable, parseIptables, vip } from '../../kit/article.js';
import { addHost, addRoute, changeFact, changeMaster, editConfig, removeHost } from '../../kit/change.js';
import { makeHost, now } from '../../kit/host.js';
import { commands, edits, expectHealthy, soleDiagnosis } from '../../kit/rules.js';

const front = '192.168.99.2';
const seen = (...addresses: string[]): Change =>
  changeFact('proxy', 'nginxClients', () =>
    addresses.map((address) => ({ address, at: now - 60, status: 200, log: '/var/log/nginx/access.log' })),
  );

/** A router towards the clients' network. */
const router = (nat: readonly string[], change: Partial<Parameters<typeof makeHost>[0]['facts']> = {}): Change =>
  addHost(
    makeHost({
      name: 'edge',
      links: { eth0: [`${front}/24`], eth1: ['203.0.113.1/24'] },
      facts: { sysctls: { 'net/ipv4/ip_forward': '1' }, iptablesNft: parseIptables(iptablesTable('nat', nat)), ...change },
    }),
  );
const masquerading = router(['-A POSTROUTING -o eth0 -j MASQUERADE']);

/** An nginx in front, which passes requests on as its own. */
const balancer =
  (header: string, upstream = '192.168.99.10:80'): Change =>
  (hosts) => {
    const proxy = hosts.get('proxy') as Snapshot;
    const [nginx, config] = [proxy.facts.nginx, proxy.facts.nginxConfig];
    if (!nginx?.ok || !config?.ok) throw new Error('the article has no nginx');
    const text = `events {} http { server { listen 80; location / { ${header} proxy_pass http://${upstream}; } } }`;
    const files = { [configFile]: { ok: true as const, text, modifiedAt: now - 7200 } };
    addHost(
      makeHost({
        name: 'balancer',
        links: { eth0: [`${front}/24`] },
        facts: { nginx: nginx.value, nginxConfig: config.value.map((each) => ({ ...each, files })), sockets: [] },
      }),
    )(hosts);
  };
const forwardedFor = 'proxy_set_header X-Forwarded-For $remote_addr;';
const withRealip = changeMaster({ configureArguments: '--with-stream --with-http_realip_module' });

test('a router that masquerades is exempted from doing so for nginx', () => {
  const found = soleDiagnosis([removeHost('client'), seen(front), masquerading]);
  expect(found).toMatchObject({ cause: 'nginx/client-is-a-proxy', host: 'edge', severity: 'fault', certainty: 'consistent' });
  expect(found.services).toEqual(['http:80/#web', 'udp:53', 'udp:5300']);
  expect(commands(found.fix)).toEqual(['iptables-nft -t nat -I POSTROUTING -d 192.168.99.10 -j ACCEPT']);
});

test("what nginx's host asks itself, or another family, is no other client", () => {
  const found = soleDiagnosis([removeHost('client'), seen(front, vip, '127.0.0.1', 'fd00:99::50'), masquerading]);
  expect(found).toMatchObject({ cause: 'nginx/client-is-a-proxy', host: 'edge' });
});

test('a proxy in front that names its clients is believed', () => {
  const found = soleDiagnosis([withRealip, seen(front), balancer(forwardedFor)]);
  expect(found).toMatchObject({ cause: 'nginx/client-is-a-proxy', host: 'proxy', certainty: 'proven', services: ['http:80/#web'] });
  expect(edits(found.fix)).toEqual([
    `/etc/nginx/nginx.conf:21: null →             set_real_ip_from ${front};`,
    '/etc/nginx/nginx.conf:21: null →             real_ip_header X-Forwarded-For;',
  ]);
});

test('a proxy in front that does not name them is told, without a cure that could not work', () => {
  expect(soleDiagnosis([withRealip, seen(front), balancer('')]).fix).toEqual([]);
  expect(soleDiagnosis([seen(front), balancer(forwardedFor)]).fix).toEqual([]);
});

test('the gateway of a container is told where the container sees nobody else', () => {
  const contained = [
    changeFact('proxy', 'platform', (platform) => ({ ...platform, virtualization: 'docker' })),
    addRoute('proxy', { to: '0.0.0.0/0', nextHops: [{ link: 'eth0', via: front }] }),
  ];
  expect(soleDiagnosis([...contained, seen(front)])).toMatchObject({
    cause: 'nginx/client-is-a-proxy',
    host: 'proxy',
    services: expect.any(Array),
  });
  expectHealthy([...contained, seen(front, client)]);
  expectHealthy([...contained.slice(1), seen(front)]);
});

test.each([
  ['other clients are seen as well', [seen(front, client), masquerading]],
  ['nobody was seen', [masquerading]],
  [
    'it was seen before the workers started',
    [changeFact('proxy', 'nginxClients', () => [{ address: front, at: now - 4000, log: 'a' }]), masquerading],
  ],
  ['the router translates nothing', [seen(front), router([])]],
  ['the router translates other traffic alone', [seen(front), router(['-A POSTROUTING -o eth1 -j MASQUERADE'])]],
  ['the address is a client of its own', [seen(client)]],
  ['the proxy in front asks somebody else', [withRealip, seen(front), balancer('', '192.168.99.77:80')]],
  [
    'nginx takes the name of the client from a header',
    [
      withRealip,
      seen(front),
      balancer(forwardedFor),
      editConfig('location / {', `set_real_ip_from ${front};\n        real_ip_header X-Forwarded-For;\n        location / {`),
    ],
  ],
])('nothing is said where %s', (_, change) => {
  expectHealthy(change as readonly Change[]);
});
