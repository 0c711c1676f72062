/** The plain-data types that everything shares. Nothing here imports anything outside `types/`. */
export type * from './types/boot.js';
export type * from './types/catalogue.js';
export type * from './types/facts.js';
export type * from './types/host.js';
export type * from './types/netfilter.js';
export type * from './types/nginx.js';
export type * from './types/path.js';
export type * from './types/report.js';
export type * from './types/routing.js';
export type * from './types/trace.js';
export type * from './types/walk.js';
