/** Confidential VM images: built, read, their user data. */
export * from './build/index.ts';
export * from './bundle/index.ts';
export * from './app-image/index.ts';
export * from './user-data/index.ts';
