const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const acts = new Set<() => void>();

/** Does something when this process ends, unless it is called off by what this returns. SIGKILL leaves no time for it. */
export function whenEnding(act: () => void): () => void {
  if (acts.size === 0) listen();
  acts.add(act);
  return () => {
    acts.delete(act);
    if (acts.size === 0) listenNoMore();
  };
}

function listen(): void {
  process.on('exit', actAll);
  for (const signal of signals) process.on(signal, onSignal);
}

function listenNoMore(): void {
  process.off('exit', actAll);
  for (const signal of signals) process.off(signal, onSignal);
}

function actAll(): void {
  for (const act of acts) act();
}

/** A signal that nobody else listens to ends the process as it would have without us; what others make of it is their business. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  actAll();
  acts.clear();
  listenNoMore();
  process.kill(process.pid, signal);
}
