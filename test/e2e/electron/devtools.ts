/** Chromium's own door to the page of an app that Playwright did not start. */
import type { Readable } from 'node:stream';
import type { ChildProcess } from 'node:child_process';

/** `host:port` of a program started with `--remote-debugging-port=0`, read from its standard error. */
export function devtoolsOf(child: ChildProcess & { stderr: Readable }): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const found = /DevTools listening on (ws:\S+)/.exec(said)?.[1];
      if (found) resolve(new URL(found).host);
    });
    child.once('exit', (code) => reject(new Error(`The app ended with ${code}: ${said}`)));
  });
}

/** Sends one command to the page under our own scheme; undefined while there is none, or when it goes. */
async function tell(host: string, method: string, params: object): Promise<unknown> {
  const listed = await fetch(`http://${host}/json/list`);
  const targets = (await listed.json()) as { url: string; webSocketDebuggerUrl: string }[];
  const target = targets.find(({ url }) => url.startsWith('app://desk/'));
  if (!target) return undefined;
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  try {
    return await new Promise((resolve) => {
      socket.onclose = () => resolve(undefined);
      socket.onopen = () => socket.send(JSON.stringify({ id: 1, method, params }));
      socket.onmessage = ({ data }) => resolve((JSON.parse(String(data)) as { result?: unknown }).result);
    });
  } finally {
    socket.close();
  }
}

/** What an expression (or its promise) gives in the page; undefined while there is no page, or when that leaves meanwhile. */
export async function evaluateInPage(host: string, expression: string): Promise<unknown> {
  const answer = await tell(host, 'Runtime.evaluate', {
    expression,
    returnByValue: true,
    awaitPromise: true,
  });
  return (answer as { result?: { value?: unknown } } | undefined)?.result?.value;
}

/** Closes the page's window, as its cross does. */
export const closePage = (host: string): Promise<unknown> => tell(host, 'Page.close', {});
