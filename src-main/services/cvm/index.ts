/** Confidential VM images: built, read, their user data. */
export * from './build/index.ts';
