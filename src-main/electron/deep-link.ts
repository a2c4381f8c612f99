/** `flaredesk://…` links only lead to a page and prefill: nothing with an effect happens without a click. */

const routes = new Set(['overview', 'project', 'sites', 'console', 'jobs', 'settings']);

/** The route of a link; undefined for anything that is not one of our pages. */
export function routeOf(link: string): string | undefined {
  let url: URL;
  try {
    url = new URL(link);
  } catch {
    return undefined;
  }
  if (url.protocol !== 'flaredesk:') return undefined;
  const parts = [url.host, ...url.pathname.split('/')].filter((part) => part !== '');
  const page = parts[0];
  if (page === undefined || !routes.has(page)) return undefined;
  const safe = parts.slice(0, 2).every((part) => /^[A-Za-z0-9._%@+-]{1,200}$/.test(part));
  return safe ? `/${parts.slice(0, 2).join('/')}` : undefined;
}

/** The link among a process's arguments, if any. */
export const linkIn = (args: readonly string[]): string | undefined =>
  args.find((arg) => arg.startsWith('flaredesk://'));

/** The page that is shown, with one task opened over it. */
export function routeToTask(address: string, id: string): string {
  const page = /#(\/[^?]*)/.exec(address)?.[1] ?? '/overview';
  return `${page}?task=${encodeURIComponent(id)}`;
}
