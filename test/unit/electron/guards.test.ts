/** What pages may not do, driven through stand-ins for web contents and session. */
import { describe, expect, it } from 'vitest';
import { guardApp, type Guarded, guardContents, guardSession } from '../../../src-main/electron/guards.ts';

type Handler = (...given: unknown[]) => unknown;

function guardedPage() {
  const handlers = new Map<string, Handler>();
  let openHandler: Handler = () => ({ action: 'allow' });
  guardContents({
    on: (name: string, handler: Handler) => handlers.set(name, handler),
    setWindowOpenHandler: (handler: Handler) => (openHandler = handler),
  } as unknown as Guarded);
  /** Whether the event was prevented. */
  const emit = (name: string, address: { inside?: string; beside?: string }): boolean => {
    let prevented = false;
    const event = {
      preventDefault: () => (prevented = true),
      ...(address.inside === undefined ? {} : { url: address.inside }),
    };
    const handler = handlers.get(name);
    if (!handler) throw new Error(`Nobody listens to ${name}.`);
    handler(event, address.beside);
    return prevented;
  };
  return { emit, openWindow: (url: string) => openHandler({ url }) };
}

const foreign = [
  'https://evil.example/',
  'http://127.0.0.1/',
  'file:///etc/passwd',
  'data:text/html,x',
  'app://other/index.html',
  'app://desk.evil/x',
  'javascript:alert(1)',
  '',
];

describe('a page', () => {
  const page = guardedPage();

  it.each(['will-navigate', 'will-redirect', 'will-frame-navigate'])(
    'is kept on our origin at %s',
    (name) => {
      for (const address of foreign) expect(page.emit(name, { inside: address }), address).toBe(true);
      expect(page.emit(name, { inside: 'app://desk/index.html#/jobs' })).toBe(false);
      expect(page.emit(name, {})).toBe(true);
    },
  );

  it('is kept where an old release tells the address beside the event', () => {
    for (const address of foreign) expect(page.emit('will-navigate', { beside: address })).toBe(true);
    expect(page.emit('will-navigate', { beside: 'app://desk/' })).toBe(false);
    // What the event says counts, whatever stands beside it.
    expect(page.emit('will-navigate', { inside: 'https://evil.example/', beside: 'app://desk/' })).toBe(true);
  });

  it('attaches no web view', () => {
    expect(page.emit('will-attach-webview', {})).toBe(true);
  });

  it('opens no window, not even one of ours', () => {
    for (const address of [...foreign, 'app://desk/index.html', 'about:blank'])
      expect(page.openWindow(address)).toEqual({ action: 'deny' });
  });
});

describe('the app', () => {
  const start = (switches: string[]) => {
    const handlers = new Map<string, Handler>();
    let sandboxed = false;
    guardApp({
      commandLine: { hasSwitch: (name: string) => switches.includes(name) },
      enableSandbox: () => (sandboxed = true),
      on: (name: string, handler: Handler) => handlers.set(name, handler),
    } as never);
    return { handlers, sandboxed };
  };

  it('puts every page in the sandbox, unless Chromium itself was told on its command line to have none', () => {
    expect(start([]).sandboxed).toBe(true);
    expect(start(['disable-gpu', 'sandbox']).sandboxed).toBe(true);
    expect(start(['no-sandbox']).sandboxed).toBe(false);
  });

  it('guards every page that is ever made', () => {
    const listened: string[] = [];
    const contents = { on: (name: string) => listened.push(name), setWindowOpenHandler: () => undefined };
    start([]).handlers.get('web-contents-created')?.({}, contents);
    expect(listened).toEqual([
      'will-navigate',
      'will-redirect',
      'will-frame-navigate',
      'will-attach-webview',
    ]);
  });
});

function guardedSession() {
  const set = new Map<string, Handler>();
  const keep = (name: string) => (handler: Handler) => void set.set(name, handler);
  guardSession({
    setPermissionRequestHandler: keep('request'),
    setPermissionCheckHandler: keep('check'),
    setDevicePermissionHandler: keep('device'),
    webRequest: { onBeforeRequest: keep('network') },
  } as never);
  const handler = (name: string): Handler => {
    const found = set.get(name);
    if (!found) throw new Error(`There is no handler of ${name}.`);
    return found;
  };
  return {
    request(permission: string, requestingUrl: string | undefined): unknown {
      let answered: unknown;
      handler('request')(null, permission, (yes: unknown) => (answered = yes), { requestingUrl });
      return answered;
    },
    check: (permission: string, origin: string) => handler('check')(null, permission, origin, {}),
    device: () => handler('device')({}),
    cancels(url: string): unknown {
      let answered: unknown;
      handler('network')({ url }, (answer: { cancel: unknown }) => (answered = answer.cancel));
      return answered;
    },
  };
}

describe('the session', () => {
  const session = guardedSession();
  const ours = 'app://desk/index.html';

  it('lets our page write to the clipboard and refuses every other permission', () => {
    expect(session.request('clipboard-sanitized-write', ours)).toBe(true);
    expect(session.check('clipboard-sanitized-write', 'app://desk/')).toBe(true);
    for (const permission of [
      'clipboard-read',
      'media',
      'geolocation',
      'notifications',
      'midi',
      'midiSysex',
      'pointerLock',
      'fullscreen',
      'openExternal',
      'display-capture',
      'hid',
      'serial',
      'usb',
      'idle-detection',
      'storage-access',
      'window-management',
      'fileSystem',
      'a permission of tomorrow',
    ]) {
      expect(session.request(permission, ours), permission).toBe(false);
      expect(session.check(permission, 'app://desk/'), permission).toBe(false);
    }
    expect(session.device()).toBe(false);
  });

  it('gives other origins nothing', () => {
    for (const origin of ['https://evil.example/', 'app://other/', 'app://desk.evil/', 'file:///', '']) {
      expect(session.request('clipboard-sanitized-write', origin), origin).toBe(false);
      expect(session.check('clipboard-sanitized-write', origin), origin).toBe(false);
    }
    expect(session.request('clipboard-sanitized-write', undefined)).toBe(false);
  });

  it.each([
    ['https://evil.example/', true],
    ['http://127.0.0.1:1/', true],
    ['ws://127.0.0.1:1/', true],
    ['wss://evil.example/', true],
    ['ftp://evil.example/', true],
    ['file:///etc/passwd', true],
    ['chrome-extension://x/y', true],
    ['', true],
    ['app://desk/index.html', false],
    ['data:image/png;base64,AA', false],
  ])('cancels a request for %j: %s', (url, cancelled) => {
    expect(session.cancels(url)).toBe(cancelled);
  });
});
