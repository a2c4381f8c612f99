import { protocol } from 'electron';
import { answerPage } from './page-files.ts';

/** Our own scheme counts as a secure origin. Must run before the app is ready. */
export function declareScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
}

/** Serves the pages under `app://desk/`. */
export function servePages(folder: string): void {
  protocol.handle('app', async (request) => {
    const { status, headers, body } = await answerPage(folder, request.url, request.method);
    return new Response(new Uint8Array(body), { status, headers });
  });
}
