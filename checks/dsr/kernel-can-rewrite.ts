import { dsrReply, dsrServices } from '../../src/reasoning/dsr-way.js';
import { hitsFor, opinionsOn } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<'kernelFeatures'> = {
  title: 'the kernel can rewrite without state',
  roles: ['proxy', 'router', 'upstream'],
  needs: ['kernelFeatures'],
  why: 'The rewrite of DSR replies needs act_nat with a classifier (cls_u32 or cls_flower), or nf_tables. Small and cloud kernels leave modules out, or put them into a package of their own.',
  fix: 'Install the package with the extra modules of this kernel, or use the other of tc and nft.',
  run: ({ kernelFeatures: { release, features } }, scope) =>
    hitsFor(dsrServices(scope), (service) =>
      opinionsOn(scope, service, (walk) => {
        const reply = dsrReply(walk);
        const rewritesHere = (reply?.rewriter?.host ?? reply?.place) === scope.host;
        if (!rewritesHere) return undefined;
        if (reply?.rewriter) return { status: 'pass', message: 'it does' };
        const tc = conjunction(features.act_nat, disjunction(features.cls_u32, features.cls_flower));
        const able = disjunction(tc, features.nf_tables);
        if (able === true) return { status: 'pass', message: 'act_nat or nf_tables is there' };
        if (able === undefined)
          return { status: 'unknown', message: `neither the configuration nor the modules of ${release} could be read` };
        const evidence = ['act_nat', 'nf_tables'].map((name) => ({
          host: scope.host,
          what: `${name} is absent`,
          source: `kernel ${release}`,
        }));
        return { status: 'warn', message: `kernel ${release} has neither act_nat nor nf_tables`, evidence };
      }),
    ),
};

function conjunction(a: boolean | undefined, b: boolean | undefined): boolean | undefined {
  if (a === false || b === false) return false;
  return a && b;
}

function disjunction(a: boolean | undefined, b: boolean | undefined): boolean | undefined {
  if (a === true || b === true) return true;
  return a === false && b === false ? false : undefined;
}

export default check;
