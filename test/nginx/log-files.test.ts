import { describe, expect, test } from 'vitest';
import { type LogFiles, logFiles } from '../../src/nginx/log-files.js';
import { parseConfig } from '../../src/nginx/parse.js';
import type { NginxMaster } from '../../src/types.js';
import { filesOf } from './config-files.js';

function logsOf(text: string, { commandLine = 'nginx', configureArguments = '' } = {}): LogFiles {
  const master = { prefix: '/usr/share/nginx', commandLine, configureArguments } as NginxMaster;
  return logFiles(parseConfig(filesOf(text)).directives, master);
}

describe('error logs', () => {
  test('of every level are named once, relative ones below the prefix', () => {
    const text =
      'error_log /a.log; http { error_log logs/b.log warn; server { error_log /a.log; } } stream { server { error_log /c.log; } }';
    expect(logsOf(text).errors).toEqual(['/a.log', '/usr/share/nginx/logs/b.log', '/c.log']);
  });

  test('that are no files are left out', () => {
    const text = 'error_log stderr; error_log syslog:server=10.0.0.1; error_log memory:32m debug; error_log /dev/null;';
    expect(logsOf(text).errors).toEqual([]);
  });

  test('are the built-in one where the main level names none, or the one of -e', () => {
    const built = { configureArguments: "--with-cc-opt='-g --error-log-path=/no' --error-log-path=/var/log/nginx/error.log" };
    expect(logsOf('', built).errors).toEqual(['/var/log/nginx/error.log']);
    expect(logsOf('http { error_log /h.log; }', built).errors).toEqual(['/h.log', '/var/log/nginx/error.log']);
    expect(logsOf('', { ...built, commandLine: 'nginx -e /e.log' }).errors).toEqual(['/e.log']);
    expect(logsOf('', { configureArguments: '--error-log-path=stderr' }).errors).toEqual([]);
    expect(logsOf('').errors).toEqual(['/usr/share/nginx/logs/error.log']);
  });
});

describe('access logs', () => {
  test('are those named, without `off`, syslog and names that vary by request', () => {
    const text =
      'http { access_log off; server { access_log /a.log main; access_log /$host.log; access_log syslog:server=x; } } stream { access_log s.log basic; }';
    expect(logsOf(text).accesses).toEqual(['/a.log', '/usr/share/nginx/s.log']);
  });

  test('are the built-in one where http names none', () => {
    const built = { configureArguments: '--http-log-path=/var/log/nginx/access.log' };
    expect(logsOf('http { }', built).accesses).toEqual(['/var/log/nginx/access.log']);
    expect(logsOf('stream { }', built).accesses).toEqual([]);
  });
});
