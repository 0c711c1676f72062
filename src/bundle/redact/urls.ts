import { redacted } from './names.js';

const word = /[^\s"'<>]+/g;
/** The line that a request begins with, as logs quote it. */
const request = /(?<!\w)([A-Z]{3,20} [^\s"?]*\?)([^\s"]+)/g;

/** URLs without credentials, and without what is asked for behind `?`: of that, the names stay. */
export function redactUrls(text: string): string {
  const covered = text.includes('://') ? text.replace(word, (each) => (each.includes('://') ? redactUrl(each) : each)) : text;
  return covered.replace(request, (_, before: string, query: string) => `${before}${coverQuery(query)}`);
}

function redactUrl(url: string): string {
  const [end = ''] = /[;,)}\]]*$/.exec(url) ?? [];
  const [before = '', ...behind] = url.slice(0, url.length - end.length).split('://');
  const bare = [before, ...behind.map(withoutCredentials)].join('://');
  const mark = bare.indexOf('?');
  return `${mark < 0 ? bare : `${bare.slice(0, mark + 1)}${coverQuery(bare.slice(mark + 1))}`}${end}`;
}

function withoutCredentials(rest: string): string {
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const at = authority.lastIndexOf('@');
  return at < 0 ? rest : `${redacted}:${redacted}${rest.slice(at)}`;
}

function coverQuery(query: string): string {
  return query
    .split('&')
    .map((part) => (part.includes('=') ? `${part.slice(0, part.indexOf('='))}=${redacted}` : part === '' ? part : redacted))
    .join('&');
}
