import { randomBytes } from 'node:crypto';
import type { Lab } from './lab.js';

/** A word that nobody else writes, one for each place where secrets lie about. */
const word = (place: string): string => `${place}${randomBytes(9).toString('hex')}`;

/** Secrets by the place where they are planted. */
export const secrets = {
  authorizationHeader: word('Aa'),
  cookieHeader: word('Bb'),
  apiKeyHeader: word('Cc'),
  variable: word('Dd'),
  condition: word('Ee'),
  mapKey: word('Ff'),
  mapValue: word('Gg'),
  environmentDirective: word('Hh'),
  passwordFile: word('Ii'),
  privateKey: word('Jj'),
  urlInLog: word('Kk'),
  userInLog: word('Ll'),
  refererInLog: word('Mm'),
  commandLine: word('Nn'),
  processEnvironment: word('Oo'),
  ruleComment: word('Pp'),
  requestHeader: word('Qq'),
  requestCookie: word('Rr'),
  requestBody: word('Ss'),
  datagram: word('Tt'),
} as const;

const withSecrets = `    proxy_set_header Authorization "Basic ${secrets.authorizationHeader}";
    proxy_set_header Cookie 'sid=${secrets.cookieHeader}; b=2';
    proxy_set_header X-Api-Key ${secrets.apiKeyHeader};
    map $http_x_api_key $partner_token {
        default none;
        "${secrets.mapKey}" ${secrets.mapValue};
    }
`;

const inServer = `            set $backend_token "${secrets.variable}";
            if ($http_authorization = "Bearer ${secrets.condition}") { return 403; }
            auth_basic_user_file htpasswd;
`;

const certificate = `openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=lab -days 2 2>/dev/null`;
const tlsServer = `    server {
        listen 127.0.0.1:8443 ssl;
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
    }
`;

/** Puts secrets wherever a support bundle could find them: files, logs, command lines, environments, rules. Traffic goes on as before. */
export async function plantSecrets(lab: Lab): Promise<void> {
  await lab.must('proxy', `${certificate}; echo '# ${secrets.privateKey}' >> key.pem; echo 'user:${secrets.passwordFile}' > htpasswd`);
  await lab.change([
    {
      host: 'proxy',
      replace: [
        ['worker_processes 1;', `worker_processes 1;\nenv API_TOKEN=${secrets.environmentDirective};`],
        [
          '    proxy_connect_timeout 500ms;\n    proxy_read_timeout',
          `${withSecrets}${tlsServer}    proxy_connect_timeout 500ms;\n    proxy_read_timeout`,
        ],
        ['            proxy_pass http://web;', `${inServer}            proxy_pass http://web;`],
      ],
    },
  ]);
  await lab.must('proxy', `iptables-nft -A OUTPUT -m comment --comment "token=${secrets.ruleComment}"`);
  await lab.must('client', otherNginx);
}

/** An nginx of another namespace is told with its command line. */
const otherNginx = `mkdir -p other && printf 'pid other.pid; events {}' > other/nginx.conf
DEPLOY_PASSWORD=${secrets.processEnvironment} nginx -p "$PWD/other" -c "$PWD/other/nginx.conf" -e "$PWD/other/error.log" -g 'env DEPLOY_TOKEN=${secrets.commandLine};'`;

/** One round of requests that have secrets in all their parts; nginx logs what failed with what it asked for. */
export async function askWithSecrets(lab: Lab): Promise<void> {
  await lab.exec(
    'client',
    `curl -s -m 2 -u 'admin:${secrets.requestHeader}' -b 'sid=${secrets.requestCookie}' -e 'http://x/?t=${secrets.refererInLog}' \
      -d 'password=${secrets.requestBody}' 'http://192.168.99.10/?token=${secrets.urlInLog}' || true
    curl -s -m 2 -u '${secrets.userInLog}:x' 'http://192.168.99.10/' || true
    bash -c 'printf %s "community=${secrets.datagram}" > /dev/udp/192.168.99.10/5300'`,
  );
}

/** All that must not be found, also as it goes over the wire. */
export const unwanted: readonly (readonly [place: string, text: string])[] = [
  ...Object.entries(secrets),
  ['requestHeader in base64', Buffer.from(`admin:${secrets.requestHeader}`).toString('base64').slice(0, 32)],
];
