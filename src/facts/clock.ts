import type { Clock, Fact, Host } from '../types.js';
import { fromReply } from './fact.js';

/** The host's own clock, its zone and its uptime, all read in the same moment. */
export async function read(host: Host): Promise<Fact<Clock>> {
  const [date, uptime] = await Promise.all([host({ run: ['date', '+%s.%N %z'] }), host({ read: '/proc/uptime' })]);
  if (!uptime.ok) return fromReply<Clock>(uptime, 'clock', () => parseClock('', ''));
  return fromReply(date, 'clock', (text) => parseClock(text, uptime.text));
}

/** `1700000000.123456789 +0200` and /proc/uptime. Seconds. busybox may print `%N` as it stands. */
export function parseClock(date: string, uptime: string): Clock {
  const [, epoch, sign, hours, minutes] = /^(\d{1,12}(?:\.\d{1,9})?)\S* ([+-])(\d\d)(\d\d)$/.exec(date.trim()) ?? [];
  const up = Number.parseFloat(uptime);
  if (epoch === undefined || !Number.isFinite(up)) throw new Error('no time');
  const offset = (Number(hours) * 60 + Number(minutes)) * 60;
  return { epochSeconds: Number(epoch), utcOffsetSeconds: sign === '-' ? -offset : offset, uptimeSeconds: up };
}
