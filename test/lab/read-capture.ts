import { openSync, readSync } from 'node:fs';
import { CaptureReader } from '../../src/packets/capture-reader.js';
import { decode } from '../../src/packets/decode.js';
import { Headers } from '../../src/packets/headers.js';

/*
 * Reads and decodes the capture file that is named, and nothing else: what the bench measures.
 */

const headers = new Headers();
let ports = 0;
const reader = new CaptureReader((bytes, start, length, wire, _time, { linkType }) => {
  decode(bytes, start, start + length, linkType, headers, wire);
  ports += headers.sourcePort;
});
const file = openSync(process.argv[2] ?? '', 'r');
const buffer = new Uint8Array(262_144);
for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer)) reader.push(buffer.subarray(0, read));
const end = reader.end();
if (!end.ok || ports === 0) throw new Error(end.ok ? 'nothing was decoded' : end.why);
