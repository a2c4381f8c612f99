/** What a page that was taken over would try. Each is a script for the page; answers are plain values. */

export const whatThePageSees = `(() => ({
  node: ['process', 'require', 'module', 'Buffer', '__dirname', 'global', 'electron'].map((name) => typeof globalThis[name]),
  desk: Object.entries(desk).map(([name, value]) => [name, typeof value]),
  replaced: Reflect.set(globalThis, 'desk', null) && desk === null,
}))()`;

export const policyOfThePage = `fetch('/index.html').then((page) => page.headers.get('content-security-policy'))`;

export const loadForeignThings = (outside: string): string => `(async () => {
  const outside = ${JSON.stringify(outside)};
  const blocked = [];
  document.addEventListener('securitypolicyviolation', (event) => blocked.push(event.effectiveDirective));
  const script = document.createElement('script');
  script.textContent = 'globalThis.ranInline = true';
  document.head.append(script);
  const image = document.createElement('img');
  image.src = outside + 'a.png';
  const frame = document.createElement('iframe');
  frame.src = outside;
  document.body.append(image, frame);
  const fetched = await fetch(outside).then(() => 'fetched', () => 'refused');
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (const node of [script, image, frame]) node.remove();
  return { blocked, fetched, ranInline: 'ranInline' in globalThis };
})()`;

export const readOtherFiles = `(async () => {
  const paths = ['/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '/assets/../../main/start.cjs', '/none'];
  const statuses = await Promise.all(paths.map(async (path) => (await fetch(path)).status));
  return { statuses, file: await fetch('file:///etc/passwd').then(() => 'read', () => 'refused') };
})()`;

export const openWindows = (outside: string): string => `(() => {
  const child = window.open(${JSON.stringify(outside)});
  const link = document.createElement('a');
  link.href = ${JSON.stringify(outside)};
  link.target = '_blank';
  document.body.append(link);
  link.click();
  link.remove();
  return child === null;
})()`;

export const leaveFor = (address: string): string => `void (location.href = ${JSON.stringify(address)})`;

export const askPermissions = `(async () => [
  await Notification.requestPermission(),
  await navigator.mediaDevices.getUserMedia({ video: true }).then(() => 'given', () => 'denied'),
  await new Promise((resolve) =>
    navigator.geolocation.getCurrentPosition(() => resolve('given'), () => resolve('denied'), { timeout: 5000 })),
  await navigator.clipboard.readText().then(() => 'given', () => 'denied'),
])()`;

export const shownText = 'document.body.innerText';

/** For a frame that has the preload but is not the window's own. */
export const callOrWait = `(() => typeof desk === 'undefined' ? 'no bridge' : Promise.race([
  desk.call('settings.get', {}).then((answer) => answer.ok ? 'answered' : answer.error.code),
  new Promise((done) => setTimeout(done, 1500, 'no answer')),
]))()`;
