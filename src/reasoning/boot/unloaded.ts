import type { Piece } from '../../cures/piece.js';
import type { BootFile, Snapshot } from '../../types.js';
import { type Boot, bootFrom } from './boot.js';
import { lostPieces } from './lost.js';

const mostIdle = 20;

/** The file that would bring a piece back if anything read it at boot. */
export function unloadedFile(snapshot: Snapshot, boot: Boot, piece: Piece): BootFile | undefined {
  if (piece.kind === 'sysctl') return undefined;
  const idle = boot.configuration.files.filter((file) => !boot.files.includes(file)).slice(0, mostIdle);
  const identity = JSON.stringify(piece);
  return idle.find((file) =>
    lostPieces(snapshot, bootFrom(snapshot, boot.configuration, [file])).every((lost) => JSON.stringify(lost) !== identity),
  );
}
