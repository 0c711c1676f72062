import { appendFile } from 'node:fs/promises';
import { tcScenarios } from './scenarios.js';
import { Session } from './session.js';

/* Runs where the kernel can rewrite by tc: every scenario in turn, one line of JSON each as soon as it was seen. Arguments: the file to write, and names when not all are wanted. */

const [file = '/dev/stdout', ...wanted] = process.argv.slice(2);
const session = await Session.start();
try {
  for (const scenario of tcScenarios.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    const started = Date.now();
    const outcome = await session.observe(scenario).then(
      (observed) => ({ observed }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    );
    await appendFile(file, `${JSON.stringify({ name: scenario.name, ms: Date.now() - started, ...outcome })}\n`);
  }
} finally {
  await session.stop();
}
