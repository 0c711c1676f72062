import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, raiseLab } from './lab.js';
import { probeServices } from './probe.js';

describe('the lab', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await raiseLab();
  });
  afterAll(async () => {
    await lab.remove();
  });
  it.each(probeServices)('answers %s from every upstream', async (service) => {
    expect(await lab.probe(service)).toMatchObject({ ok: true, problems: [] });
  });
});
