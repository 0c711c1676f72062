import { type ArticleOptions, articleTopology } from './article.js';
import { haPairTopology } from './ha-pair.js';
import { oneArmedTopology } from './one-armed.js';
import type { Topology } from './topology.js';
import { wayBackTopology } from './way-back.js';

/** Setups that real deployments have, each healthy as it is raised. */
const topologies = {
  article: articleTopology,
  'one-armed': oneArmedTopology,
  'way-back': wayBackTopology,
  'ha-pair': haPairTopology,
} as const satisfies Record<string, (options: ArticleOptions) => Topology>;

export type TopologyName = keyof typeof topologies;

export const topologyNames = Object.keys(topologies) as TopologyName[];

/** Names a topology, the article's unless it says otherwise, and what is added to it. */
export interface OnTopology extends ArticleOptions {
  topology?: TopologyName;
}

export const topologyOf = ({ topology = 'article', ...options }: OnTopology): Topology => topologies[topology](options);
