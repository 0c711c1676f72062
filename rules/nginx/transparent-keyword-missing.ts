import { combine } from '../../src/cures/combine.js';
import { directiveText, editConfig } from '../../src/cures/nginx.js';
import type { Broken } from '../../src/reasoning/broken.js';
import { brokenBy, concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import type { Cure, Rule, Snapshot } from '../../src/types.js';

const rule: Rule = {
  title: 'proxy_bind names the client but lacks "transparent"',
  why: 'Without the parameter nginx binds an ordinary socket to an address that its host does not have. The kernel refuses: "bind(A) failed (99: Cannot assign requested address)", status 500.',
  signs: {
    logs: 'http answers 500. For every request error.log has, at level crit: `bind(192.168.99.50) failed (99: Cannot assign requested address) while connecting to upstream`. Stream services log the same line: TCP clients are disconnected, UDP clients hear nothing. No kernel counter moves.',
    packets:
      'Towards the client everything looks normal up to the 500. On the link to the upstreams nothing of the request appears, because bind() fails before a packet is made.',
  },
  proof:
    'The log line above, younger than the workers, or a `proxy_bind` in force without the word; it may be inherited from `http`, `stream` or `server`. Not this: errno 99 from connect() (nginx has no free port left), and a file that says `transparent` already but was not reloaded (nginx/config-not-reloaded).',
  cure: {
    how: [
      'At the line that the diagnosis names write `proxy_bind $remote_addr transparent;`, in a Direct Server Return service `proxy_bind $remote_addr:$remote_port transparent;`. Then',
      '  nginx -s reload',
      'The workers also need CAP_NET_RAW, which a root master keeps for them from nginx 1.13.8 on.',
    ].join('\n'),
    touches: ['nginx'],
  },
  run: (c) =>
    [...groupBy(brokenBy(c, 'bind-not-transparent'), ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        certainty: 'proven',
        summary: `proxy_bind on ${host} takes the client's address without "transparent", which the kernel refuses (${serviceList(broken)})`,
        cures: cures(c.snapshots.get(host), broken),
        verify: ['tail nginx\'s error log: no new "bind(…) failed (99"'],
      }),
    ),
};

/** One edit for each proxy_bind line, then a single reload. */
function cures(snapshot: Snapshot | undefined, broken: readonly Broken[]): Cure[] {
  if (!snapshot) return [];
  const lines = new Map(
    broken.flatMap(({ walk: { service } }) =>
      service.bind ? [[`${service.bind.at.file}:${service.bind.at.line}`, { pid: service.master, bind: service.bind }]] : [],
    ),
  );
  const edits = [...lines.values()].flatMap(({ pid, bind }) => {
    const text = directiveText(snapshot, pid, { name: 'proxy_bind', at: bind.at });
    const why = 'nginx then sets IP_TRANSPARENT, and a root master keeps CAP_NET_RAW for its workers';
    const edit = text && editConfig(snapshot, pid, { at: bind.at, remove: text, insert: text.replace(/\s*;$/, ' transparent;'), why });
    return edit ? [edit] : [];
  });
  return edits.length > 0 ? [combine(snapshot.host, edits)] : [];
}

export default rule;
