import { describe, expect, it } from 'vitest';
import { DeskError } from '../../../../src-main/contract/errors.ts';
import { asFileError } from '../../../../src-main/services/provision/file-errors.ts';

const fileError = (code: string, path?: string) => Object.assign(new Error(`${code}: no`), { code, path });

describe('what the file system says, in words', () => {
  it.each([
    ['EACCES', 'denied'],
    ['EROFS', 'denied'],
    ['ENOSPC', 'too_large'],
    ['EEXIST', 'conflict'],
    ['ENOTDIR', 'conflict'],
    ['ENAMETOOLONG', 'invalid_input'],
    ['ENOENT', 'not_found'],
    ['EIO', 'internal'],
  ])('%s is %s, with the path and a hint', (code, expected) => {
    const error = asFileError(fileError(code, '/w/kit'), 'The kits cannot be written', '/w') as DeskError;
    expect(error).toBeInstanceOf(DeskError);
    expect(error.code).toBe(expected);
    expect(error.message).toContain('The kits cannot be written: /w/kit: ');
    expect(error.hint).toBeTruthy();
  });

  it('names the given path when the error has none', () => {
    expect((asFileError(fileError('EROFS'), 'No', '/w') as DeskError).message).toContain('/w: ');
  });

  it('passes on what is no file error', () => {
    const own = new DeskError('locked', 'x');
    expect(asFileError(own, 'No', '/w')).toBe(own);
    const bug = new TypeError('x is not a function');
    expect(asFileError(bug, 'No', '/w')).toBe(bug);
    expect(asFileError('text', 'No', '/w')).toBe('text');
  });
});
