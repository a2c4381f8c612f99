import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linkIn, routeOf } from '../../../src-main/electron/deep-link.ts';
import { isOurs } from '../../../src-main/electron/guards.ts';
import { pagePath } from '../../../src-main/electron/page-files.ts';

const folder = '/srv/pages';

describe('addresses of pages', () => {
  it.each([
    ['app://desk/', 'index.html'],
    ['app://desk/assets/a.js?x#y', 'assets/a.js'],
    ['app://desk/../../etc/passwd', 'etc/passwd'],
  ])('%s is in the folder', (address, path) => expect(pagePath(folder, address)).toBe(join(folder, path)));

  it.each([
    'app://desk/..%2f..%2fetc/passwd',
    'app://desk/a/..%2f..%2f..%2fpages-other/x',
    'app://desk/..%5cx',
    'app://desk/%00',
    'app://desk/%zz',
    'app://other/index.html',
    'file:///etc/passwd',
    'nonsense',
  ])('%s is refused', (address) => expect(pagePath(folder, address)).toBeUndefined());

  it.each([
    ['app://desk/x', true],
    ['app://desk', true],
    ['app://desk.evil/x', false],
    ['app://desk@evil/x', false],
    ['https://desk/', false],
  ])('%s ours: %s', (address, ours) => expect(isOurs(address)).toBe(ours));
});

it.each([
  ['flaredesk://jobs/abc', '/jobs/abc'],
  ['flaredesk://settings', '/settings'],
  ['flaredesk://delete/all', undefined],
  ['https://jobs/abc', undefined],
  ['flaredesk://jobs/a<b', '/jobs/a%3Cb'],
  ['flaredesk://jobs/a&b', undefined],
])('link %s leads to %s', (link, route) => expect(routeOf(link)).toBe(route));

it('finds the link among the arguments', () => {
  expect(linkIn(['electron', '--x', 'flaredesk://jobs'])).toBe('flaredesk://jobs');
  expect(linkIn(['electron'])).toBeUndefined();
});
