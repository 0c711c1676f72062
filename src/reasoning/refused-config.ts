import { hasStreamBuiltIn } from '../nginx/command-line.js';
import { configOf } from '../nginx/of-snapshot.js';
import { readServices } from '../nginx/services.js';
import type { NginxMaster, Snapshot } from '../types.js';
import { olderThan } from './versions.js';

/** The first nginx whose proxy_bind has the parameter `transparent`. */
export const transparentSince = '1.11.0';

/** The files have a `stream` block and nothing brings its module, so nginx refuses them; false where that cannot be told. */
export function lacksStream(snapshot: Snapshot | undefined, master: NginxMaster): boolean {
  const parsed = configOf(snapshot, master);
  if (!parsed || parsed.problems.length > 0 || hasStreamBuiltIn(master.configureArguments) !== false) return false;
  const loads = parsed.directives.some(({ name, args }) => name === 'load_module' && /(?:^|\/)ngx_stream_module\.so$/.test(args[0] ?? ''));
  return !loads && parsed.directives.some(({ name, block }) => name === 'stream' && block);
}

/** The files say `transparent` to an nginx that is too old to know it. */
export function lacksTransparent(snapshot: Snapshot | undefined, master: NginxMaster): boolean {
  if (!olderThan(master.version, transparentSince)) return false;
  const parsed = configOf(snapshot, master);
  const services = parsed ? readServices(parsed, { host: snapshot?.host ?? '', master, hostNames: {} }) : [];
  return services.some(({ bind }) => bind?.transparent);
}
