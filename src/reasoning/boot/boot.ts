import { factOf } from '../../path/world.js';
import type { BootConfiguration, BootFile, Snapshot } from '../../types.js';
import { activeFiles } from './active.js';
import { type BootCommand, bootCommands } from './commands.js';
import { connectionFile, type LinkFile, networkdFile } from './ini-files.js';
import { ifcfgFile, interfacesFile, netplanFile } from './link-files.js';

/** What the boot of one host does, read once. */
export interface Boot {
  configuration: BootConfiguration;
  files: readonly BootFile[];
  commands: readonly BootCommand[];
  /** What link managers say in files of their own. */
  links: readonly (LinkFile & { file: BootFile })[];
}

/** Undefined where the boot files are not known, or not all of them. */
export function bootOf(snapshot: Snapshot): Boot | undefined {
  const configuration = factOf(snapshot, 'bootConfiguration');
  if (!configuration || configuration.incomplete !== undefined) return undefined;
  return bootFrom(snapshot, configuration, activeFiles(snapshot, configuration));
}

/** What a boot would do that reads these files. */
export function bootFrom(snapshot: Snapshot, configuration: BootConfiguration, files: readonly BootFile[]): Boot {
  const commands = bootCommands(files.filter(({ kind }) => kind === 'unit' || kind === 'script' || kind === 'interfaces'));
  const names = (factOf(snapshot, 'links') ?? []).map(({ name }) => name);
  const links = files.flatMap((file) => {
    const read = linkFile(file, names);
    return read ? [{ ...read, file }] : [];
  });
  return { configuration, files, commands, links };
}

function linkFile(file: BootFile, names: readonly string[]): LinkFile | undefined {
  if (file.kind === 'networkd') return networkdFile(file, names);
  if (file.kind === 'NetworkManager') return connectionFile(file, names);
  if (file.kind === 'netplan') return netplanFile(file);
  if (file.kind === 'ifcfg') return ifcfgFile(file);
  return file.kind === 'interfaces' ? interfacesFile(file) : undefined;
}
