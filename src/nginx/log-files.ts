import type { Directive, NginxMaster } from '../types.js';
import { configureArgument, parseOptions } from './command-line.js';
import { absolutePath } from './paths.js';

/** Absolute paths inside the master's root. */
export interface LogFiles {
  errors: readonly string[];
  accesses: readonly string[];
}

/** A configuration that names more logs than this (one per site) has the first ones read. */
const mostLogs = 64;

/** The log files that a configuration names, and the built-in ones where it names none. Pipes, syslog and memory are no files. */
export function logFiles(directives: readonly Directive[], master: NginxMaster): LogFiles {
  const complete = (paths: readonly (string | undefined)[]): readonly string[] => {
    const files = paths.filter((path) => path !== undefined).filter(isFile);
    return [...new Set(files.map((path) => absolutePath(master.prefix, path)))].slice(0, mostLogs);
  };
  const http = directives.find(({ name }) => name === 'http')?.block;
  return {
    errors: complete([...named(directives, 'error_log'), ...(hasOwn(directives, 'error_log') ? [] : [defaultErrorLog(master)])]),
    accesses: complete([...named(directives, 'access_log'), ...(http && !hasOwn(http, 'access_log') ? [defaultAccessLog(master)] : [])]),
  };
}

function* named(directives: readonly Directive[], name: string): Generator<string | undefined> {
  for (const directive of directives) {
    if (directive.name === name) yield directive.args[0];
    if (directive.block) yield* named(directive.block, name);
  }
}

function hasOwn(directives: readonly Directive[], name: string): boolean {
  return directives.some((directive) => directive.name === name);
}

function defaultErrorLog({ commandLine, configureArguments }: NginxMaster): string {
  const { errorLog } = parseOptions(commandLine.split(' ').slice(1));
  return errorLog ?? configureArgument(configureArguments, '--error-log-path') ?? 'logs/error.log';
}

function defaultAccessLog({ configureArguments }: NginxMaster): string {
  return configureArgument(configureArguments, '--http-log-path') ?? 'logs/access.log';
}

/** A path with variables names a file per request. */
function isFile(path: string): boolean {
  return path !== '' && path !== 'off' && path !== 'stderr' && !/^(?:syslog|memory):|\$|^\/dev\//.test(path);
}
