/** The launch measurements that stand in a policy text. */
import { measurementHex } from './profiles.ts';

export interface WrittenMeasurement {
  /** As it stands there: 64 base64 characters or 96 hex digits. */
  literal: string;
  /** 96 lower-case hex digits. */
  hex: string;
  /** From 1. */
  line: number;
}

/** The lines of a text without whole-line comments; lines count from 1. */
export function codeLines(text: string): { line: number; code: string }[] {
  return text.split('\n').map((written, at) => ({ line: at + 1, code: written.replace(/^\s*#.*$/, '') }));
}

/** Every measurement of a text, in its order; one that stands twice comes twice. */
export function measurementsIn(text: string): WrittenMeasurement[] {
  return codeLines(text).flatMap(({ line, code }) =>
    [...code.matchAll(/"([A-Za-z0-9+/]{64}|[0-9a-fA-F]{96})"/g)].flatMap(([, literal = '']) => {
      const hex = measurementHex(literal);
      return hex === undefined ? [] : [{ literal, hex, line }];
    }),
  );
}
