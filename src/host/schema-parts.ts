import { z } from 'zod';
import type { Family } from '../types.js';

/** Bounds for what a file brings in. They are wide: a real host never comes near. */
const mostEntries = 200_000;

export const text = z.string().max(65_536);
/** A whole file of a configuration, or a page of output. */
export const page = z.string().max(16 * 1024 * 1024);
export const whole = z.int();
export const port = z.int().min(0).max(65_535);
export const mark = z.int().min(0).max(0xffffffff);
export const family: z.ZodType<Family> = z.union([z.literal(4), z.literal(6)]);
export const portRange = z.tuple([port, port]);

export function list<T>(entry: z.ZodType<T>): z.ZodType<T[]> {
  return z.array(entry).max(mostEntries);
}

/** A record without prototype: a look-up finds what the file holds and nothing that every object has. */
export function record<T>(value: z.ZodType<T>): z.ZodType<Record<string, T>> {
  return z
    .record(text, value)
    .refine((entries) => Object.keys(entries).length <= mostEntries, 'too many entries')
    .transform((entries) => Object.assign(Object.create(null), entries));
}
