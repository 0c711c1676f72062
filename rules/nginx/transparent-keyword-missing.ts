import { combine } from '../../src/cures/combine.js';
import { directiveText, editConfig } from '../../src/cures/nginx.js';
import type { Broken } from '../../src/reasoning/broken.js';
import { brokenBy, concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import type { Cure, Rule, Snapshot } from '../../src/types.js';

const rule: Rule = {
  title: 'proxy_bind names the client but lacks "transparent"',
  why: 'Without the parameter nginx binds an ordinary socket to an address that its host does not have. The kernel refuses: "bind(A) failed (99: Cannot assign requested address)", status 500.',
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
