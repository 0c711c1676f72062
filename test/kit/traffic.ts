import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FrameWriter } from './traffic-frames.js';
import { pointsOf, type TrafficOptions, type TrafficPoint } from './traffic-options.js';
import { Schedule } from './traffic-schedule.js';

export type { TrafficOptions, TrafficPoint } from './traffic-options.js';

/*
 * DNS through an nginx that makes way for Direct Server Return, as captures at four points or more: requests from clients to nginx, the same from nginx to an
 * upstream under the client's address, replies to the client by way of nginx's host, and there their source rewritten. Millions of packets within seconds,
 * the same for the same seed.
 */

/** The eight sightings of a transaction in their order: which leg, and whether the packet comes in there. */
export const sightings = [
  'client sends request',
  'proxy receives request',
  'proxy sends spoofed request',
  'upstream receives spoofed request',
  'upstream sends reply',
  'proxy receives reply',
  'proxy sends rewritten reply',
  'client receives rewritten reply',
] as const;

/** Is told of every packet in the order of its file: transaction from 0, index in `sightings`, and whether it is the copy of a duplicate. */
export type OnSighting = (point: number, transaction: number, sighting: number, isCopy: boolean) => void;

export interface Truth {
  points: readonly TrafficPoint[];
  /** Per transaction, how many of its eight sightings there are: 8 where it is complete, else the packet was lost after the last of them. */
  seen: Uint8Array;
  /** Per point. */
  packets: readonly number[];
}

/**
 * Makes the traffic and hands each point's pcap file (microseconds, little endian, Ethernet) to `sink` in pieces of about a megabyte, which are valid
 * during the call only. Points: client/eth0, proxy/eth0 (towards clients), proxy/eth1 (towards upstreams), then eth0 of each upstream.
 */
export function makeTraffic(options: TrafficOptions, sink: (point: number, bytes: Uint8Array) => void, onSighting?: OnSighting): Truth {
  const writer = new FrameWriter(options, sink);
  const schedule = new Schedule(options);
  while (schedule.next()) {
    for (let index = 0; index < schedule.due; index++) {
      const { timeUs, transaction, sighting, isCopy } = schedule.at(index);
      const point = writer.write(timeUs, transaction, sighting);
      onSighting?.(point, transaction, sighting, isCopy);
    }
  }
  writer.flush();
  return { points: writer.points, seen: schedule.seen, packets: writer.packets };
}

/** The same in memory: one file per point, in the order of `points`. */
export function trafficBuffers(options: TrafficOptions, onSighting?: OnSighting): Truth & { files: Uint8Array[] } {
  const pieces: Uint8Array[][] = pointsOf(options).map(() => []);
  const truth = makeTraffic(options, (point, bytes) => void pieces[point]?.push(bytes.slice()), onSighting);
  return { ...truth, files: pieces.map((each) => Buffer.concat(each)) };
}

/** The same as files HOST-IFACE.pcap of a directory that exists; `paths` are in the order of `points`. */
export function trafficFiles(options: TrafficOptions, directory: string, onSighting?: OnSighting): Truth & { paths: string[] } {
  const paths = pointsOf(options).map(({ host, iface }) => join(directory, `${host}-${iface}.pcap`));
  const files = paths.map((path) => openSync(path, 'w'));
  try {
    return { ...makeTraffic(options, (point, bytes) => void writeSync(files[point] ?? -1, bytes), onSighting), paths };
  } finally {
    for (const file of files) closeSync(file);
  }
}
