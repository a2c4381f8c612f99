import { cleanup } from '@testing-library/react';
import { afterEach, beforeAll } from 'vitest';
import { initTexts } from '../../src-renderer/app/texts.ts';

// What jsdom has not and Mantine asks for.
window.matchMedia = (query: string) =>
  ({
    matches: false,
    media: query,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  }) as unknown as MediaQueryList;
window.ResizeObserver = class {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
};
Element.prototype.scrollIntoView = () => undefined;
Element.prototype.scrollTo = () => undefined;
// Virtual rows need a height: every element is a screen high.
Object.defineProperty(Element.prototype, 'clientHeight', { configurable: true, value: 800 });
Object.defineProperty(Element.prototype, 'clientWidth', { configurable: true, value: 1200 });

beforeAll(initTexts);
afterEach(() => {
  cleanup();
  localStorage.clear();
});
