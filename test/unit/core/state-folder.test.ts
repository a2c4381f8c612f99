import { expect, it } from 'vitest';
import { stateFolderOf } from '../../../src-main/core/state-folder.ts';

it.each([
  [{}, '/home/ada/.local/state/flaredesk'],
  [{ XDG_STATE_HOME: '/state' }, '/state/flaredesk'],
  // The desktop specification passes over relative paths.
  [{ XDG_STATE_HOME: 'state' }, '/home/ada/.local/state/flaredesk'],
  [{ XDG_STATE_HOME: '/state', FLAREDESK_STATE: '/mine' }, '/mine'],
  [{ FLAREDESK_STATE: 'mine' }, '/work/mine'],
  [{ FLAREDESK_STATE: '' }, '/home/ada/.local/state/flaredesk'],
])('the records lie, with %j, in %s', (environment, folder) => {
  expect(stateFolderOf(environment, '/home/ada', '/work')).toBe(folder);
});
