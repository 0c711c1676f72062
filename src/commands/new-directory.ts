import { access, constants, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UsageError } from './options.js';

/** Files go into a new or an empty directory: nothing that the user has can be written over. Rejects with a UsageError that names the option. */
export async function checkNewDirectory(option: string, directory: string): Promise<void> {
  const found = await stat(directory).catch(() => undefined);
  if (found && !found.isDirectory()) throw new UsageError(`${option}: ${directory} is no directory`);
  const place = found ? directory : dirname(resolve(directory));
  try {
    if (found && (await readdir(directory)).length > 0)
      throw new UsageError(`${option}: ${directory} is not empty; name a new directory, so that no file is written over`);
    await access(place, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${option}: cannot write to ${place}: ${codeOf(error)}`);
  }
}

/** The directory, there with all above it. */
export async function madeDirectory(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  return path;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
