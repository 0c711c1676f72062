import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The project's directory lies above these sources, and one higher above what is built from them. */
const candidates = ['../../..', '../../../..'].map((up) => fileURLToPath(new URL(up, import.meta.url)));

/** A file of the project, by its path from there. */
export const ofProject = (path: string): string => `${candidates.find((dir) => existsSync(`${dir}/package.json`))}/${path}`;
