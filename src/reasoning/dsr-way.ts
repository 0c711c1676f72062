import type { Scope, Service, Step, Walk } from '../types.js';

/** Services whose replies go to the client without ending at nginx. */
export function dsrServices({ services }: Scope): Service[] {
  return services.filter((service) => service.mode.startsWith('dsr'));
}

/** How a DSR reply fared, as far as the path could be predicted. */
export interface DsrReply {
  steps: readonly Step[];
  /** The upstream's own host. */
  origin: string;
  /** The host whose rule rewrote the source. */
  rewriter?: Step;
  /** Where a missing rewrite belongs: the first host that forwards the reply, else its origin. */
  place: string;
  end: Step;
}

/** Undefined when no reply was sent. */
export function dsrReply({ steps: all }: Walk): DsrReply | undefined {
  const steps = all.filter((step) => step.leg === 'reply');
  const [first] = steps;
  const end = steps.at(-1);
  if (!first || !end) return undefined;
  const rewriter = steps.find((step) => step.code === 'rewritten');
  const gateway = steps.find((step) => step.code === 'forwarded' && step.host !== first.host);
  return { steps, origin: first.host, place: gateway?.host ?? first.host, end, ...(rewriter ? { rewriter } : {}) };
}

/** What the replies of a host with its upstream's address look like where they leave it. */
export function leavingStep(scope: Scope, walk: Walk): Step | undefined {
  return walk.steps.find((step) => step.leg === 'reply' && step.host === scope.host && step.out !== undefined);
}
